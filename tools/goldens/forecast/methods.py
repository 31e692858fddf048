"""Golden values for the classical methods of the forecast app: point forecasts of statsforecast, and the form and the AICc of its
ETS.

Run with `deno task goldens forecast`, under the packages of requirements.txt beside this file. Writes
apps/forecast/testdata/statsforecast.json.
"""

import json
import numpy as np
from statsforecast.models import MSTL, AutoETS, RandomWalkWithDrift, SeasonalNaive, Theta
from statsforecast.utils import AirPassengers

rng = np.random.default_rng(25)
t = np.arange(240)


def noise(size, scale):
    return rng.normal(0, scale, size)


def walk(size, scale):
    return np.cumsum(noise(size, scale))


SERIES = {
    "passengers": (AirPassengers, 12, 18),
    "week": (50 + 0.05 * t[:140] + 8 * np.sin(2 * np.pi * t[:140] / 7) + 3 * (t[:140] % 7 == 6) + noise(140, 1.5), 7, 14),
    "quarters": (100 * 1.01 ** t[:80] * np.tile([0.8, 1.1, 1.3, 0.8], 20) * (1 + noise(80, 0.03)), 4, 8),
    "negative": (5 * np.sin(2 * np.pi * t[:96] / 12) + walk(96, 0.3), 12, 12),
    "trend": (20 + 0.7 * t[:60] + noise(60, 1.0), 1, 10),
    "walk": (100 + walk(120, 1.0), 1, 10),
    "short": (np.array([12.0, 15.0, 14.0, 18.0, 17.0, 21.0, 20.0, 24.0]), 1, 4),
}


def forecasts(values, season, horizon):
    models = {
        "seasonalNaive": SeasonalNaive(season),
        "drift": RandomWalkWithDrift(),
        "theta": Theta(season),
        "ets": AutoETS(season),
    }
    forecasts = {name: model.forecast(values, horizon)["mean"] for name, model in models.items()}
    if season > 1:
        # As ours, of logarithms where there are some.
        positive = values.min() > 0
        mstl = MSTL(season, AutoETS(model="ZZN")).forecast(np.log(values) if positive else values, horizon)["mean"]
        forecasts["mstl"] = np.exp(mstl) if positive else mstl
    return {name: [round(float(v), 6) for v in mean] for name, mean in forecasts.items()}


def chosen(values, season):
    model = AutoETS(season).fit(values).model_
    return {"form": model["method"][4:-1].replace(",", ""), "aicc": round(float(model["aicc"]), 4)}


cases = []
for name, (values, season, horizon) in SERIES.items():
    values = np.round(np.asarray(values, dtype=np.float64), 4)
    cases.append({
        "name": name,
        "values": values.tolist(),
        "season": season,
        "horizon": horizon,
        "ets": chosen(values, season),
        "forecasts": forecasts(values, season, horizon),
    })

with open("apps/forecast/testdata/statsforecast.json", "w") as file:
    json.dump(cases, file)
