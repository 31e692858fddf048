/** Where kernels keep up to 512 bytes while they run, in reserved memory. Each thread sets its own place. */
export let scratch: usize = 64;
