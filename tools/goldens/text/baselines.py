"""Golden values for the baselines of the text classifier: probabilities of scikit-learn's multinomial naive Bayes and logistic
regression over words and word pairs.

Run with `deno task goldens text`, under the packages of requirements.txt beside this file. Writes
apps/text/testdata/scikit_learn.json.
"""

import json
import numpy as np
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.utils.class_weight import compute_class_weight

rng = np.random.default_rng(28)
WORDS = [f"w{i}" for i in range(30)]
LABELS = ["a", "b", "c"]


def corpus(classes, count):
    # Each class prefers other words; classes are of different sizes.
    tastes = rng.dirichlet(np.full(len(WORDS), 0.5), classes)
    labels = [int(label) for label in rng.choice(classes, count, p=np.array([0.5, 0.3, 0.2])[:classes] / sum([0.5, 0.3, 0.2][:classes]))]
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 15), p=0.5 * tastes[label] + 0.5 / len(WORDS))) for label in labels]
    return texts, labels


def rounded(values):
    return [[float(f"{value:.12g}") for value in row] for row in values]


def case(name, classes, strengths, fewest):
    texts, labels = corpus(classes, 80)
    unseen, _ = corpus(classes, 12)
    counter = CountVectorizer(token_pattern=r"[^ ]+", ngram_range=(1, 2))
    counts = counter.fit_transform(texts)
    # Pairs must be in enough texts; words need not.
    pairs = np.array([" " in term for term in counter.get_feature_names_out()])
    kept = ~pairs | (np.asarray((counts > 0).sum(axis=0)).ravel() >= fewest)
    counts, other = counts[:, kept], counter.transform(unseen)[:, kept]
    tfidf = TfidfTransformer(sublinear_tf=True).fit(counts)
    x, z = tfidf.transform(counts), tfidf.transform(other)
    logistic = []
    for strength, balanced in strengths:
        weights = compute_class_weight("balanced", classes=np.arange(classes), y=labels)
        # For two classes scikit-learn has one vector of weights where ours has two.
        c = strength * (2 if classes == 2 else 1)
        model = LogisticRegression(C=c, tol=1e-10, max_iter=100000, class_weight=dict(enumerate(weights)) if balanced else None)
        logistic.append({"strength": strength, "balanced": balanced, "probabilities": rounded(model.fit(x, labels).predict_proba(z))})
    bayes = [
        {
            "smoothing": smoothing,
            "balanced": balanced,
            "probabilities": rounded(
                MultinomialNB(alpha=smoothing, class_prior=np.full(classes, 1 / classes) if balanced else None)
                .fit(counts, labels).predict_proba(other)
            ),
        }
        for smoothing, balanced in [(1, False), (0.1, False), (1, True)]
    ]
    return {
        "name": name,
        "classes": classes,
        "texts": texts,
        "targets": labels,
        "unseen": unseen,
        "fewest": fewest,
        "terms": int(kept.sum()),
        "tfIdf": rounded(z.toarray()[:2].sum(axis=1, keepdims=True)),
        "naiveBayes": bayes,
        "logistic": logistic,
    }


golden = {
    "scikitLearn": sklearn.__version__,
    "cases": [
        case("two classes", 2, [(1, False), (50, False), (1, True)], 1),
        case("three classes, pairs of two texts", 3, [(1, False), (50, False), (5, True)], 2),
    ],
}
with open("apps/text/testdata/scikit_learn.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
