/** Where the built page goes. */
export const DIST = new URL("dist/", import.meta.url);
