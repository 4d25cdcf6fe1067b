#!/usr/bin/env python3
"""Writes sdpa_golden.json and softmax_golden.json beside itself: attention computed with 80 decimal digits, in the plain form of the paper.

The inputs are numbers that f32 holds exactly, unless the case says `f64`, so that both types are held against the same answer. A row that sees nothing
is zero, with log-sum-exp -inf. Only the standard library is used; the files are the same wherever it is run.
"""

import json
from decimal import Decimal, getcontext
from pathlib import Path

getcontext().prec = 80
getcontext().Emax = 10**9
getcontext().Emin = -(10**9)

# Below this, exp is nothing beside 1 even with 80 digits.
NOTHING = Decimal(-5000)


def exp(x):
    return Decimal(0) if x < NOTHING else x.exp()


def number(x):
    x = float(x)
    return "-inf" if x == float("-inf") else x


class Random:
    """A linear congruential generator: the files must not change with the version of Python."""

    def __init__(self, seed):
        self.state = seed

    def word(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 40

    def normal_like(self):
        """A multiple of 1/256 in (-3, 3), most of them small."""
        return sum(self.word() % 512 - 256 for _ in range(3)) / 256

    def matrix(self, rows, columns, size=1.0):
        return [[self.normal_like() * size for _ in range(columns)] for _ in range(rows)]


def softmax(logits):
    """Weights, entropy and log-sum-exp; None is hidden."""
    seen = [z for z in logits if z is not None]
    if not seen:
        return [Decimal(0)] * len(logits), Decimal(0), Decimal("-Infinity")
    top = max(seen)
    powers = [Decimal(0) if z is None else exp(z - top) for z in logits]
    total = sum(powers)
    weights = [p / total for p in powers]
    # H = ln S - sum p (z - m), with z - m = ln of the power.
    spread = sum(w * (top - z) for w, z in zip(weights, logits) if z is not None and w != 0)
    return weights, total.ln() + spread, top + total.ln()


def attend(name, q, k, v, scale, mask=None, note="", **more):
    """One case; q, k and v are lists of heads."""
    n, m, dh, dv = len(q[0]), len(k[0]), len(q[0][0]), len(v[0][0])
    weights, entropy, out, lse, largest = [], [], [], [], Decimal(0)
    for head_q, head_k, head_v in zip(q, k, v):
        for i, row in enumerate(head_q):
            logits = []
            for j, key in enumerate(head_k):
                bias = 0.0 if mask is None else mask[i][j]
                if bias == float("-inf"):
                    logits.append(None)
                    continue
                z = sum(Decimal(a) * Decimal(b) for a, b in zip(row, key)) * Decimal(scale)
                largest = max(largest, abs(z))
                logits.append(z + Decimal(bias))
            p, h, l = softmax(logits)
            weights += p
            entropy.append(h)
            lse.append(l)
            out += [sum(w * Decimal(value[c]) for w, value in zip(p, head_v)) for c in range(dv)]
    if mask is not None:
        biases = [abs(Decimal(b)) for row in mask for b in row if b != float("-inf")]
        largest = max([largest] + biases)
    heads = len(q)
    tensor = lambda shape, data: {"shape": shape, "data": [number(x) for x in data]}
    flat = lambda matrices: [x for matrix in matrices for row in matrix for x in row]
    return {
        "name": name, "heads": heads, "n": n, "m": m, "dh": dh, "dv": dv, "scale": scale,
        "mask": None if mask is None else tensor([n, m], [x for row in mask for x in row]),
        "q": tensor([heads, n, dh], flat(q)),
        "k": tensor([heads, m, dh], flat(k)),
        "v": tensor([heads, m, dv], flat(v)),
        "weights": tensor([heads, n, m], weights),
        "entropy": tensor([heads, n], entropy),
        "out": tensor([heads, n, dv], out),
        "lse": tensor([heads, n], lse),
        "max_abs_logit": float(largest), "note": note, **more,
    }


def cases():
    random = Random(20)
    heads = lambda count, rows, columns, size=1.0: [random.matrix(rows, columns, size) for _ in range(count)]
    inf = float("inf")
    causal = lambda n, m: [[-inf if j + n > i + m else 0.0 for j in range(m)] for i in range(n)]

    yield attend("own_3x3", heads(2, 3, 4), heads(2, 3, 4), heads(2, 3, 4), 0.5)
    yield attend("own_causal_9", heads(2, 9, 2), heads(2, 9, 2), heads(2, 9, 3), 0.75, causal(9, 9))
    yield attend("own_cross_causal_3x8", heads(1, 3, 2), heads(1, 8, 2), heads(1, 8, 1), 0.5, causal(3, 8))
    # The first two queries see nothing at all.
    yield attend("own_more_queries_than_keys_causal_5x3", heads(1, 5, 2), heads(1, 3, 2), heads(1, 3, 2), 0.5, causal(5, 3),
                 note="aligned bottom right, so that the first queries see nothing")
    padding = [[-inf if j in (0, 3, 4) else 0.0 for j in range(6)] for _ in range(4)]
    yield attend("own_padding_4x6", heads(2, 4, 3), heads(2, 6, 3), heads(2, 6, 2), 0.5, padding)
    both = [[a + b for a, b in zip(x, y)] for x, y in zip(causal(6, 6), [[-inf if j == 2 else 0.0 for j in range(6)]] * 6)]
    yield attend("own_causal_and_padding_6", heads(1, 6, 3), heads(1, 6, 3), heads(1, 6, 3), 0.5, both)
    additive = [[-inf if (i + j) % 4 == 3 else random.normal_like() for j in range(7)] for i in range(5)]
    additive[2] = [-inf] * 7
    yield attend("own_additive_5x7", heads(2, 5, 4), heads(2, 7, 4), heads(2, 7, 3), 0.25, additive, note="row 2 sees nothing")
    yield attend("own_additive_far_from_zero", heads(1, 3, 4), heads(1, 4, 4), heads(1, 4, 4), 0.5,
                 [[1000.0 + j for j in range(4)] for _ in range(3)])
    # The borders of blocks of 64 keys, and of a head of 8.
    yield attend("own_2x65", heads(1, 2, 3), heads(1, 65, 3), heads(1, 65, 2), 0.5)
    yield attend("own_65x2", heads(1, 65, 2), heads(1, 2, 2), heads(1, 2, 2), 0.5)
    yield attend("own_2x257", heads(1, 2, 1), heads(1, 257, 1), heads(1, 257, 1), 1.0)
    yield attend("own_width_9", heads(2, 3, 9), heads(2, 4, 9), heads(2, 4, 9), 0.25)
    yield attend("own_width_1", heads(3, 4, 1), heads(3, 4, 1), heads(3, 4, 2), 1.0)
    yield attend("own_negative_scale", heads(1, 4, 4), heads(1, 4, 4), heads(1, 4, 4), -0.5)
    yield attend("own_no_scale", heads(1, 3, 4), heads(1, 4, 4), heads(1, 4, 4), 0.0)
    # All but one-hot: the entropy is small, and not zero.
    sharp = [[[6.0, 0.0], [0.0, 6.0]]]
    yield attend("own_nearly_one_hot", sharp, sharp, [[[1.0, -1.0], [3.0, 2.0]]], 1.0)
    yield attend("own_logits_1e3", heads(1, 4, 4, 16.0), heads(1, 5, 4, 32.0), heads(1, 5, 2), 0.5)
    # Ties between the largest of huge logits, which rounding does not part.
    yield attend("own_ties_of_huge_logits", [[[2.0**40, 0.0]]], [[[2.0**20, 1.0], [2.0**20, -1.0], [-(2.0**20), 7.0]]],
                 [[[1.0], [5.0], [100.0]]], 1.0)
    yield attend("own_logits_1e-30", heads(1, 3, 2, 2.0**-50), heads(1, 5, 2, 2.0**-50), heads(1, 5, 2), 1.0)
    yield attend("own_logits_below_the_smallest", [[[2.0**-100]]], [[[2.0**-48], [0.0], [-(2.0**-49)]]], [[[1.0], [2.0], [4.0]]], 1.0)
    yield attend("own_logits_1e300", [[[2.0**500, 0.0], [0.0, 2.0**499]]], [[[2.0**496, 2.0**490], [2.0**490, 2.0**497]]],
                 [[[1.0, 2.0], [3.0, 4.0]]], 1.0, f64=True)
    yield attend("own_values_1e300", heads(1, 2, 2), heads(1, 3, 2), heads(1, 3, 2, 2.0**995), 0.5, f64=True)
    yield attend("own_values_small", heads(1, 2, 2), heads(1, 3, 2), heads(1, 3, 2, 2.0**-30), 0.5)


def rows():
    inf = float("inf")
    for name, x in [
        ("own_pair", [0.0, -50.0]),
        ("own_ramp_of_130", [(j * 37 % 130) / 8 for j in range(130)]),
        ("own_far_apart", [-(2.0**60), 0.0, 2.0**60]),
        ("own_hidden_and_seen", [-inf, 3.5, -inf, 3.5, 1.25]),
        ("own_all_hidden", [-inf, -inf]),
        ("own_tiny_differences", [1.0, 1.0 + 2.0**-20, 1.0 - 2.0**-20]),
        ("own_at_the_end_of_f32", [0.0, -87.0, -88.0, -103.0, -104.0]),
        ("own_at_the_end_of_f64", [0.0, -700.0, -708.0, -709.0, -740.0, -745.0, -746.0]),
        ("own_zeros_of_both_signs", [0.0, -0.0]),
    ]:
        weights, entropy, lse = softmax([None if z == -inf else Decimal(z) for z in x])
        tensor = lambda data: {"shape": [len(data)], "data": [number(value) for value in data]}
        yield {"name": name, "x": tensor(x), "softmax": tensor(weights), "lse": tensor([lse]), "entropy": tensor([entropy])}


def write(name, found):
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in found)
    text = '{"by": "golden.py", "cases": [\n' + text + "\n]}\n"
    (Path(__file__).parent / name).write_text(text, encoding="utf-8")


write("sdpa_golden.json", cases())
write("softmax_golden.json", rows())
