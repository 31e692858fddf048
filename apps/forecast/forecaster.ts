import { parametersOf } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { checkerOf, checkWeights, decodeModel, encodeModel, isSize } from "../shared/model_file.ts";
import { listOf, mapOf, notNegative } from "../shared/shapes.ts";
import { checkModelConfig, GlobalModel, isFrequency, type ModelConfig } from "./global_model.ts";
import { type CandidateName, LABELS } from "./methods.ts";
import { averageOf, type Factors, LEVELS, type Quantiles } from "./quantiles.ts";
import { forecastBy, needsNetwork } from "./rolling.ts";
import type { OneSeries } from "./series_set.ts";

/** What a saved forecaster knows besides its networks' weights. */
export interface ForecasterConfig {
  /** What was best on rolling origins. */
  readonly use: CandidateName;
  readonly season: number;
  readonly horizon: number;
  /** The units in a step, such as "1 month". */
  readonly frequency: string;
  /** By how much the quantiles of each candidate are stretched. */
  readonly factors: Readonly<Partial<Record<CandidateName, Factors>>>;
}

/** What forecasts series that the network cannot. */
export const FALLBACK: CandidateName = "classicalMean";

/** What `train` found: which forecast to use, its calibration, and the networks. */
export class Forecaster {
  /** All networks as one, for files. */
  readonly network: Layer;

  constructor(readonly config: ForecasterConfig, readonly models: readonly GlobalModel[]) {
    const parts = Object.fromEntries(models.map(({ network }, i) => [String(i), network]));
    const parameters = parametersOf(parts);
    this.network = {
      parameters: () => parameters,
      forward() {
        throw new TypeError("Cannot forecast with all networks at once: call forecast()");
      },
    };
  }

  /**
   * What follows each series, by the best candidate or another one. Where that needs a network which takes logarithms, series
   * with values that are not above 0 are forecast by the mean of ETS and Theta.
   *
   * @throws {RangeError} If the candidate needs a network and there is none.
   */
  forecast(series: readonly OneSeries[], use: CandidateName = this.config.use): Quantiles[] {
    const odd = new Set(this.unsuited(series, use));
    if (odd.size === 0) return this.#by(use, series);
    const [suited, others] = [series.filter((one) => !odd.has(one)), [...odd]];
    const [own, fallback] = [suited.length === 0 ? [] : this.#by(use, suited), this.#by(FALLBACK, others)];
    return series.map((one) => (odd.has(one) ? fallback : own).shift()!);
  }

  /** The series that a candidate cannot forecast, since its network takes logarithms. */
  unsuited(series: readonly OneSeries[], use: CandidateName = this.config.use): readonly OneSeries[] {
    if (!needsNetwork(use) || this.models.every(({ config }) => config.scale !== "log")) return [];
    return series.filter(({ values }) => values.some((value) => value <= 0));
  }

  #by(use: CandidateName, series: readonly OneSeries[]): Quantiles[] {
    const { season, horizon, factors } = this.config;
    const [network] = needsNetwork(use) ? [this.#networks(series, use)] : [undefined];
    return forecastBy(use, series.map(({ values }) => values), {
      season,
      horizon,
      factors: factors[use] ?? LEVELS.map(() => Array<number>(horizon).fill(1)),
      network,
    });
  }

  #networks(series: readonly OneSeries[], use: CandidateName): Quantiles[] {
    if (this.models.length === 0) {
      throw new RangeError(
        `Cannot forecast with the ${LABELS[use]}: the model file must have a network, got none; train one without ` +
          "--no-network, or name another forecast by --use",
      );
    }
    const all = this.models.map((model) => model.forecast(series));
    return series.map((_, i) => averageOf(all.map((one) => one[i]!)));
  }

  /** The forecaster as a safetensors file. */
  encode(): Uint8Array<ArrayBuffer> {
    const networks = this.models.map(({ config }) => config);
    return encodeModel(KEY, { ...this.config, networks }, this.network);
  }

  /**
   * Reads a file of {@linkcode Forecaster.encode}.
   *
   * @throws {SafetensorsError} If it is damaged or no model of this app.
   */
  static decode(bytes: Uint8Array<ArrayBuffer>, file: string): Forecaster {
    return decodeModel(bytes, {
      file,
      key: KEY,
      build: (raw, tensors) => {
        const check = checkerOf(raw);
        const isName = (name: unknown): name is CandidateName => Object.hasOwn(LABELS, String(name));
        check("use", isName(raw.use), `one of ${Object.keys(LABELS).join(", ")}`);
        for (const name of ["season", "horizon"]) {
          check(name, isSize(raw[name]) && raw[name] as number <= MOST_STEPS, `an integer from 1 to ${MOST_STEPS}`);
        }
        check("frequency", isFrequency(raw.frequency), "a number of a unit of time, such as 1 month");
        const { horizon } = raw as unknown as ForecasterConfig;
        const isFactors = mapOf(listOf(listOf(notNegative, horizon), LEVELS.length))(raw.factors, "") === undefined;
        check(
          "factors",
          isFactors && Object.keys(Object(raw.factors)).every(isName),
          `${LEVELS.length} lists of ${horizon} numbers of 0 or more for each candidate`,
        );
        check("networks", Array.isArray(raw.networks) && raw.networks.length <= tensors.size, "a list of networks");
        const networks = raw.networks as ModelConfig[];
        checkWeights(tensors, networks.reduce((total, network) => total + checkModelConfig(Object(network)), 0));
        const isOfIt = (network: ModelConfig) => network.horizon === horizon && network.frequency === raw.frequency;
        check("networks", networks.every(isOfIt), "networks of its horizon and frequency");
        const { networks: _, ...config } = raw;
        const models = networks.map((network) => GlobalModel.empty(network));
        return new Forecaster(config as unknown as ForecasterConfig, models);
      },
    });
  }
}

/** The longest season and horizon that a file may have. */
const MOST_STEPS = 1_000_000;
/** The key of the configuration in a model file's metadata. */
const KEY = "unfold.forecast";
