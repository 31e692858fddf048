import { openLibrary } from "@unfold/core/support";
import type { Launcher } from "./launcher.ts";

/** The usual places of the libraries: absolute paths, so that `--allow-ffi=PATH` can name one. */
const OPEN_MPI = [
  "/usr/lib/x86_64-linux-gnu/libmpi.so.40",
  "/usr/lib/aarch64-linux-gnu/libmpi.so.40",
  "/usr/lib64/openmpi/lib/libmpi.so.40",
  "/usr/local/lib/libmpi.so.40",
  "/opt/homebrew/opt/open-mpi/lib/libmpi.40.dylib",
];
const MPICH = [
  "/usr/lib/x86_64-linux-gnu/libmpich.so.12",
  "/usr/lib/aarch64-linux-gnu/libmpich.so.12",
  "/usr/lib64/mpich/lib/libmpi.so.12",
  "/usr/local/lib/libmpi.so.12",
  "/opt/homebrew/opt/mpich/lib/libmpi.12.dylib",
];

// Handles are 32-bit integers in one family and pointers in the other. In a 64-bit register both are "usize".
const SYMBOLS = {
  initialize: {
    name: "MPI_Init_thread",
    parameters: ["usize", "usize", "i32", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  rank: { name: "MPI_Comm_rank", parameters: ["usize", "buffer"], result: "i32" },
  size: { name: "MPI_Comm_size", parameters: ["usize", "buffer"], result: "i32" },
  startBarrier: { name: "MPI_Ibarrier", parameters: ["usize", "buffer"], result: "i32" },
  test: { name: "MPI_Test", parameters: ["buffer", "buffer", "usize"], result: "i32" },
  wait: { name: "MPI_Wait", parameters: ["buffer", "usize"], result: "i32", nonblocking: true },
  allReduce: {
    name: "MPI_Allreduce",
    parameters: ["isize", "buffer", "i32", "usize", "usize", "usize"],
    result: "i32",
  },
  allReduceAside: {
    name: "MPI_Allreduce",
    parameters: ["isize", "buffer", "i32", "usize", "usize", "usize"],
    result: "i32",
    nonblocking: true,
  },
  broadcast: {
    name: "MPI_Bcast",
    parameters: ["buffer", "i32", "usize", "i32", "usize"],
    result: "i32",
    nonblocking: true,
  },
  finalize: { name: "MPI_Finalize", parameters: [], result: "i32", nonblocking: true },
  // From the C library. A memcpy of zero bytes returns an address; Deno's own function for that needs permission for
  // all libraries.
  exit: { name: "_exit", parameters: ["i32"], result: "void" },
  memcpy: { parameters: ["pointer", "usize", "usize"], result: "usize" },
  ompi_mpi_comm_world: { type: "pointer", optional: true },
  ompi_mpi_byte: { type: "pointer", optional: true },
  ompi_mpi_float: { type: "pointer", optional: true },
  ompi_mpi_double: { type: "pointer", optional: true },
  ompi_mpi_op_sum: { type: "pointer", optional: true },
  ompi_mpi_op_max: { type: "pointer", optional: true },
} as const;

/** The handles and constants of a library. */
interface MpiHandles {
  readonly world: bigint;
  readonly byte: bigint;
  readonly float: bigint;
  readonly double: bigint;
  readonly sum: bigint;
  readonly max: bigint;
  /** MPI_IN_PLACE: the array to send is the one to receive into. */
  readonly inPlace: bigint;
  /** MPI_STATUS_IGNORE: return no status. */
  readonly noStatus: bigint;
}

/** An open library. */
export interface MpiLibrary {
  readonly path: string;
  readonly calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly handles: MpiHandles;
}

/** The handles of MPICH 3.0 and later, Intel MPI and MVAPICH, which share one ABI. */
const MPICH_HANDLES: MpiHandles = {
  world: 0x44000000n,
  byte: 0x4c00010dn,
  float: 0x4c00040an,
  double: 0x4c00080bn,
  sum: 0x58000003n,
  max: 0x58000001n,
  inPlace: -1n,
  noStatus: 1n,
};

/**
 * Opens an MPI library.
 *
 * @param path The library's path. If omitted, tries the usual places, starting with those of the launcher's library.
 * @throws {Error} If it is not found, or loading it is not permitted, or the runtime is not Deno.
 */
export function openMpi(path: string | undefined, { variable }: Launcher): MpiLibrary {
  if (typeof Deno === "undefined") {
    throw new Error("Cannot connect: the runtime must be Deno, which can open libraries of the system");
  }
  const usual = variable === "OMPI_COMM_WORLD_SIZE" ? [...OPEN_MPI, ...MPICH] : [...MPICH, ...OPEN_MPI];
  const { library, path: found } = openLibrary({
    doing: "connect",
    name: "MPI",
    paths: path === undefined ? usual : [path],
    open: (path) => Deno.dlopen(path, SYMBOLS),
  });
  const { symbols: calls } = library;
  return { path: found, calls, handles: openMpiHandles(calls) ?? MPICH_HANDLES };
}

/** The handles of Open MPI, which are addresses of its variables; undefined for another library. */
function openMpiHandles(calls: MpiLibrary["calls"]): MpiHandles | undefined {
  if (calls.ompi_mpi_comm_world === null) return undefined;
  const address = (pointer: Deno.PointerValue) => calls.memcpy(pointer, 0n, 0n);
  return {
    world: address(calls.ompi_mpi_comm_world),
    byte: address(calls.ompi_mpi_byte),
    float: address(calls.ompi_mpi_float),
    double: address(calls.ompi_mpi_double),
    sum: address(calls.ompi_mpi_op_sum),
    max: address(calls.ompi_mpi_op_max),
    inPlace: 1n,
    noStatus: 0n,
  };
}
