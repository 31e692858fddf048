import type { NamedParameters, Parameter } from "@unfold/core";

/**
 * Parameters in groups that an {@linkcode Optimizer} may treat differently.
 *
 * @typeParam Label The names of the groups.
 */
export class Partition<Label extends string = string> {
  /** The parameters of each group. */
  readonly groups: Readonly<Record<Label, NamedParameters>>;

  /**
   * Takes groups as they are; {@linkcode partition} makes them by a function.
   *
   * @throws {TypeError} If a group is empty, a name occurs in two groups, or a name is a whole number, which an object would
   * move to the front.
   */
  constructor(groups: Readonly<Record<Label, NamedParameters>>) {
    const empty = Object.entries<NamedParameters>(groups).find(([, group]) => Object.keys(group).length === 0);
    if (empty !== undefined) {
      throw new TypeError(`Cannot make a Partition: every group must have parameters, ${empty[0]} has none`);
    }
    const names = new Set<string>();
    for (const name of Object.values<NamedParameters>(groups).flatMap((group) => Object.keys(group))) {
      if (names.has(name) || /^\d+$/.test(name)) {
        throw new TypeError(`Cannot make a Partition: names must differ and must not be whole numbers, got "${name}"`);
      }
      names.add(name);
    }
    this.groups = groups;
  }
}

/**
 * Splits parameters into groups. Each plugin of an {@linkcode Optimizer} acts on all parameters or on one group.
 *
 * @param parameters The parameters by name.
 * @param label Returns the group of a parameter.
 *
 * @example No weight decay on biases, and clipping by the norm of all gradients
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adamW, clipByGlobalNorm, Optimizer, partition } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const parameters = { weight: new Parameter([2], (data) => data.fill(1)), bias: new Parameter([2], (data) => data.fill(1)) };
 * const groups = partition(parameters, (name) => name.endsWith("bias") ? "biases" : "weights");
 * const optimizer = new Optimizer(
 *   groups,
 *   [clipByGlobalNorm(1), { weights: adamW({ weightDecay: 0.1 }), biases: adamW({ weightDecay: 0 }) }],
 *   { learningRate: 0.5 },
 * );
 * optimizer.step();
 * assert.ok(Math.abs(parameters.weight.data[0]! - 0.95) < 1e-6);
 * assert.equal(parameters.bias.data[0], 1);
 * ```
 */
export function partition<Label extends string>(
  parameters: NamedParameters,
  label: (name: string, parameter: Parameter) => Label,
): Partition<Label> {
  const all = Object.entries(parameters);
  const groups = Object.groupBy(all, ([name, parameter]) => label(name, parameter));
  const named = Object.entries(groups).map(([label, entries]) => [label, Object.fromEntries(entries as typeof all)]);
  return new Partition(Object.fromEntries(named) as Record<Label, NamedParameters>);
}
