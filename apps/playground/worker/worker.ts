import type { Report, Request } from "../messages.ts";
import { Runner } from "./runner.ts";

const page = self as unknown as {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage: (report: Report) => void;
};
const runner = new Runner((report) => page.postMessage(report));
page.onmessage = ({ data }) => void runner.handle(data);
