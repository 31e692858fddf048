import { element } from "./element.ts";

/** Says what went wrong, over the page's lower end, until it is closed or all is well again. */
export function showToast(message: string): void {
  element("toast-message").textContent = message;
  element("toast").hidden = false;
}

/** Takes the message away. */
export function hideToast(): void {
  element("toast").hidden = true;
}

element("toast-close").addEventListener("click", hideToast);
