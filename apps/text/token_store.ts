import type { TokenSource } from "@unfold/training";

type Numbers = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
type NumbersType = {
  new (buffer: ArrayBuffer): Numbers;
  new (length: number): Numbers;
  readonly BYTES_PER_ELEMENT: number;
};

/** Bytes that are held in memory; what is longer goes to a file. */
const MOST_IN_MEMORY = 64 << 20;

/**
 * Takes the tokens of a text as they come, and gives them back a piece at a time: from memory, or a long text from a
 * file.
 */
export class TokenStore implements TokenSource, Disposable {
  readonly #type: NumbersType;
  readonly #folder: string | undefined;
  #memory: Numbers;
  #inMemory = 0;
  #inFile = 0;
  #file: Deno.FsFile | undefined;
  readonly #most: number;
  #read: Uint8Array<ArrayBuffer> = new Uint8Array();
  #hash = 0x811c9dc5;

  /**
   * @param type The kind of array that tokens fit into.
   * @param options Where the file goes, which has no name that others could see; without it all stays in memory.
   */
  constructor(
    type: NumbersType,
    { folder, most = MOST_IN_MEMORY }: { folder?: string | undefined; most?: number } = {},
  ) {
    this.#type = type;
    this.#folder = folder;
    this.#memory = new type(1 << 16);
    this.#most = most / type.BYTES_PER_ELEMENT;
  }

  get length(): number {
    return this.#inFile + this.#inMemory;
  }

  /** Adds a token. */
  push(token: number): void {
    if (this.#inMemory === this.#memory.length) {
      if (this.#folder !== undefined && this.#inMemory >= this.#most) this.#flush(this.#folder);
      else {
        const larger = new this.#type(2 * this.#memory.length);
        larger.set(this.#memory);
        this.#memory = larger;
      }
    }
    this.#memory[this.#inMemory++] = token;
    this.#hash = Math.imul(this.#hash ^ token, 0x01000193);
  }

  /** What tells these tokens from others (FNV-1a, a token at a time). */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Writes what is in memory behind what is in the file. */
  #flush(folder: string): void {
    if (this.#file === undefined) {
      const path = Deno.makeTempFileSync({ dir: folder, prefix: ".tokens-" });
      this.#file = Deno.openSync(path, { read: true, write: true });
      // Whatever happens to this program, nothing is left behind.
      Deno.removeSync(path);
    }
    this.#file.seekSync(0, Deno.SeekMode.End);
    let bytes = new Uint8Array(this.#memory.buffer, 0, this.#inMemory * this.#type.BYTES_PER_ELEMENT);
    while (bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
    this.#inFile += this.#inMemory;
    this.#inMemory = 0;
  }

  /** Those from one to before another; written over by the next call. */
  subarray(from: number, to: number): Numbers {
    if (from >= this.#inFile) return this.#memory.subarray(from - this.#inFile, to - this.#inFile) as Numbers;
    const size = this.#type.BYTES_PER_ELEMENT;
    const count = (to - from) * size;
    if (this.#read.length < count) this.#read = new Uint8Array(2 * count);
    const fromFile = (Math.min(to, this.#inFile) - from) * size;
    this.#file!.seekSync(from * size, Deno.SeekMode.Start);
    for (let done = 0; done < fromFile;) {
      const read = this.#file!.readSync(this.#read.subarray(done, fromFile));
      if (read === null) throw new Error("Cannot read tokens: their file must be as it was written, got less");
      done += read;
    }
    const rest = to - Math.max(from, this.#inFile);
    if (rest > 0) this.#read.set(new Uint8Array(this.#memory.buffer, 0, rest * size), fromFile);
    return new this.#type(this.#read.buffer).subarray(0, to - from) as Numbers;
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}
