/** Counts by key, a whole number of 0 or more up to 2⁵³: far smaller than a Map of them. */
export class CountTable {
  #keys = new Float64Array(1 << 12).fill(-1);
  #counts = new Uint32Array(1 << 12);
  #size = 0;

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** Where a key is, or would be. */
  #find(key: number): number {
    const mask = this.#keys.length - 1;
    // Multiplying both halves by odd numbers scatters keys that differ by little.
    let slot = (Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 4294967296) | 0, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    while (this.#keys[slot] !== key && this.#keys[slot] !== -1) slot = (slot + 1) & mask;
    return slot;
  }

  /** The count of a key. */
  get(key: number): number {
    const slot = this.#find(key);
    return this.#keys[slot] === key ? this.#counts[slot]! : 0;
  }

  /** Sets the count of a key. */
  set(key: number, count: number): void {
    const slot = this.#find(key);
    const isNew = this.#keys[slot] === -1;
    this.#keys[slot] = key;
    this.#counts[slot] = count;
    if (!isNew || ++this.#size * 2 < this.#keys.length) return;
    const [keys, counts] = [this.#keys, this.#counts];
    this.#keys = new Float64Array(2 * keys.length).fill(-1);
    this.#counts = new Uint32Array(2 * keys.length);
    keys.forEach((key, old) => {
      if (key === -1) return;
      const slot = this.#find(key);
      this.#keys[slot] = key;
      this.#counts[slot] = counts[old]!;
    });
  }
}
