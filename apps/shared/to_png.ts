import { initWasm, Resvg } from "@resvg/resvg-wasm";

const load = (specifier: string) => Deno.readFile(new URL(import.meta.resolve(specifier)));
const prepared = Promise.all([
  load("@resvg/resvg-wasm/index_bg.wasm").then((wasm) => initWasm(wasm)),
  load("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
  load("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"),
]);

/** Paints an SVG at twice its size; its text is set in DejaVu Sans, whatever fonts the machine has. */
export async function toPng(svg: string): Promise<Uint8Array> {
  const [, ...fontBuffers] = await prepared;
  const font = { fontBuffers, defaultFontFamily: "DejaVu Sans", sansSerifFamily: "DejaVu Sans" };
  return new Resvg(svg, { font, fitTo: { mode: "zoom", value: 2 } }).render().asPng();
}
