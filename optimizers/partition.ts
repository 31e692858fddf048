import type { NamedParameters, Parameter } from "@unfold/core";
import { checkParameters, describe } from "@unfold/core/support";
import { checkPositive } from "./_check.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/**
 * Parameters in groups that an {@linkcode Optimizer} may treat differently.
 *
 * @typeParam Label The names of the groups.
 */
export class Partition<Label extends string = string> {
  /** The parameters of each group. */
  readonly groups: Readonly<Record<Label, NamedParameters>>;

  /**
   * Takes groups as they are; {@linkcode partition} makes them by a function. A parameter with several names keeps the first.
   *
   * @throws {TypeError} If a group is empty, a name or a parameter occurs in two groups, or a name is a whole number, which an
   * object would move to the front.
   */
  constructor(groups: Readonly<Record<Label, NamedParameters>>) {
    const names = new Set<string>();
    const places = new Map<Parameter, { label: string; name: string }>();
    const own = Object.entries<NamedParameters>(groups).map(([label, group]) => {
      checkParameters("make a Partition", group);
      if (Object.keys(group).length === 0) {
        throw new TypeError(`Cannot make a Partition: every group must have parameters, ${label} has none`);
      }
      const kept = Object.entries(group).filter(([name, parameter]) => {
        if (names.has(name) || /^\d+$/.test(name)) {
          throw new TypeError(
            `Cannot make a Partition: names must differ and must not be whole numbers, got "${name}"`,
          );
        }
        names.add(name);
        const place = places.get(parameter);
        if (place !== undefined && place.label !== label) {
          throw new TypeError(
            `Cannot make a Partition: a parameter must be in one group, got ${place.name} in ${place.label} and ` +
              `${name}, which is the same one, in ${label}`,
          );
        }
        if (place === undefined) places.set(parameter, { label, name });
        return place === undefined;
      });
      return [label, Object.fromEntries(kept)];
    });
    this.groups = Object.fromEntries(own) as Record<Label, NamedParameters>;
  }
}

/**
 * Splits parameters into groups. Each plugin of an {@linkcode Optimizer} acts on all parameters or on one group.
 *
 * @param parameters The parameters by name.
 * @param label Returns the group of a parameter.
 * @throws {TypeError} If these are not parameters by name, or a parameter with two names would be in two groups.
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
  checkParameters("split the parameters", parameters);
  const all = Object.entries(parameters);
  const groups = Object.groupBy(all, ([name, parameter]) => label(name, parameter));
  const named = Object.entries(groups).map(([label, entries]) => [label, Object.fromEntries(entries as typeof all)]);
  return new Partition(Object.fromEntries(named) as Record<Label, NamedParameters>);
}

/**
 * A rule with its learning rate multiplied by a factor: a rate for one group, relative to the schedule of all. Its name and its
 * state are those of the rule.
 *
 * @param rule The rule, such as `adam()`.
 * @param factor The factor, above 0. To keep a group from changing, freeze it: {@linkcode Optimizer.freeze}.
 * @throws {TypeError} If the rule is not a rule.
 * @throws {RangeError} If the factor is not above 0.
 *
 * @example A pre-trained encoder learns at a tenth of the rate
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { Optimizer, partition, scaled, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const parameters = { "encoder.weight": new Parameter([1]), "head.weight": new Parameter([1]) };
 * const groups = partition(parameters, (name) => name.startsWith("encoder.") ? "encoder" : "head");
 * const optimizer = new Optimizer(groups, [{ encoder: scaled(sgd(), 0.125), head: sgd() }], { learningRate: 1 });
 * for (const { grad } of Object.values(parameters)) grad.data.fill(-1);
 * optimizer.step();
 * assert.deepEqual([parameters["encoder.weight"].item(), parameters["head.weight"].item()], [0.125, 1]);
 * ```
 */
export function scaled(rule: OptimizerPlugin, factor: number): OptimizerPlugin {
  if (typeof rule?.update !== "function" || rule.runs !== undefined) {
    const got = typeof rule?.name === "string" ? rule.name : describe(rule);
    throw new TypeError(`Cannot scale a rule: rule must be a rule, such as adam(), got ${got}`);
  }
  checkPositive("scaled", "factor", factor);
  return {
    ...rule,
    update: (group, info) => rule.update(group, { ...info, learningRate: factor * info.learningRate }),
  };
}
