"""What the cleaned table of a file has to be, by pandas. Shares no code with the generated script.

    python oracle.py ROOT OUT NAMES

ROOT holds the packages' data files, OUT for each of them a folder with what the script wrote, NAMES is their list in JSON. Prints a JSON object a file.

The dialect of each file is written down here by a person who looked at it. How a column is typed follows the rules in
src/rules.rs by pandas' own means: read_csv and json_normalize, to_numeric, to_datetime, isin, drop_duplicates. What pandas by
itself, without any rule, takes a column for is compared, too: see `natural`.
"""

import json
import os
import sys
import warnings

import pandas as pd
from pandas._libs.parsers import STR_NA_VALUES

warnings.simplefilter("ignore")

# What people write for a missing value beside what pandas knows.
NULLS = set(STR_NA_VALUES) | {"NAN", "N.A.", "n.a.", "none", "NONE", "-", "--", "?", "."}
BLANKS = " \t\r\n\x0b\x0c\xa0"

# Files that are not comma, header, rows. The longest end of the path wins.
SPACES = {"sep": r"\s+"}
SPACES_BARE = {"sep": r"\s+", "header": None}
BARE = {"header": None}
TABS = {"sep": "\t"}
DIALECTS = {
    # scikit-learn puts the number of rows, of columns and the names of the classes where the header belongs.
    "iris.csv": {"header": None, "skiprows": 1},
    "datasets/data/wine_data.csv": {"header": None, "skiprows": 1},
    "datasets/data/breast_cancer.csv": {"header": None, "skiprows": 1},
    "linnerud_exercise.csv": SPACES,
    "linnerud_physiological.csv": SPACES,
    "anderson.csv": SPACES,
    "g3.csv": {},
    "anes96/anes96.csv": {"sep": "\t", "quotechar": "'"},
    "anes96/src/anes96.csv": SPACES,
    "E6_jmulti.csv": SPACES_BARE,
    "macrodata/src/unemp.csv": {"skiprows": 9, "usecols": [0, 1, 2, 3]},
    "modechoice/modechoice.csv": {"sep": ";"},
    # Titles above, and notes below which a person cuts off.
    "scotland_population.csv": {"skiprows": 17, "skipfooter": 6, "engine": "python", "usecols": range(13)},
    "scotland/src/scotvote.csv": {"sep": r"\s+", "index_col": 0},
    "scotland/scotvote.csv": {},
    "spector.csv": {"sep": r"\s+", "quotechar": "'"},
    "sandbox/rlsdata.txt": TABS,
    "stats/tests/test_data.txt": SPACES_BARE,
    "leverage_influence_ols_nostars.txt": {
        "sep": r"\s+",
        "skiprows": 3,
        "header": None,
        "names": ["column_1", "residual", "leverage", "influence", "DFFITS"],
        "skipfooter": 2,
        "engine": "python",
    },
    "phat_mnlogit.csv": SPACES_BARE,
    "yhat_mnlogit.csv": SPACES_BARE,
    "survival_data_1000_10.csv": SPACES_BARE,
    "survival_data_100_5.csv": SPACES_BARE,
    "survival_data_20_1.csv": SPACES_BARE,
    "survival_data_50_1.csv": SPACES_BARE,
    "survival_data_50_2.csv": SPACES_BARE,
    "AROLSConstantPredict.csv": SPACES_BARE,
    "AROLSNoConstantPredict.csv": SPACES_BARE,
    "test_coint.csv": SPACES_BARE,
    "dietox.csv": {"index_col": 0},
    "arima212_forecast.csv": {"skipinitialspace": True},
}
for name in (
    "mnlogit_resid.csv nbinom_resids.csv poisson_resid.csv predict_prob_poisson.csv yhat_poisson.csv enet_binomial.csv "
    "enet_poisson.csv gee_linear_1.csv gee_logistic_1.csv gee_nested_linear_1.csv gee_nominal_1.csv gee_ordinal_1.csv "
    "gee_poisson_1.csv igaussident_resids.csv medparlogresids.csv Xi_test_data.csv results_kde_fft.csv lasso_data.csv "
    "bootleg.csv clark1989.csv results_wpi1_ar3_matlab_ssm.csv results_wpi1_missing_ar3_matlab_ssm.csv stl_co2.csv "
    "ARMLEConstantPredict.csv bds_data.csv bds_results.csv cfa_tvpvar_Omega_11.csv cfa_tvpvar_Omega_22.csv "
    "cfa_tvpvar_S10.csv cfa_tvpvar_Si0.csv cfa_tvpvar_beta.csv cfa_tvpvar_invP.csv cfa_tvpvar_posterior_mean.csv "
    "cfa_tvpvar_state_variates.csv cfa_tvpvar_v10.csv cfa_tvpvar_vi0.csv"
).split():
    DIALECTS[name] = BARE
MEMBERS = {"earthquakes.json": "features"}

DATES = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y"]
TIMES = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
MONTH_FIRST, DAY_FIRST = ["%m/%d/%Y", "%m-%d-%Y"], ["%d/%m/%Y", "%d-%m-%Y"]


def dialect_of(path):
    ends = [end for end in DIALECTS if path.endswith(end)]
    return dict(DIALECTS[max(ends, key=len)]) if ends else ({"sep": "\t"} if path.endswith(".tsv") else {})


def raw(path, **settings):
    """The table as text."""
    if path.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            records = json.load(file, parse_int=str, parse_float=str)
        if isinstance(records, dict):
            records = records[MEMBERS[os.path.basename(path)]] if os.path.basename(path) in MEMBERS else [records]
        table = pd.json_normalize(records).astype(object)
        return table.map(json_text)
    options = {"index_col": False, **dialect_of(path), **settings}
    index = options["index_col"]
    table = pd.read_csv(path, dtype=str, keep_default_na=False, **options)
    return table if index is False else table.reset_index(names="column_1")


def json_text(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return "" if value is None or value is pd.NA or value != value else value


def parse(values, formats):
    """The values as times, missing where none of the formats fits. Only what has eight characters or more and a digit."""
    found = pd.Series(pd.NaT, index=values.index)
    likely = values[values.str.fullmatch(r"(?=.*\d{4}).{8,40}")]
    for form in formats if len(likely) else []:
        found = found.fillna(pd.to_datetime(likely, format=form, errors="coerce").reindex(values.index))
    return found


def grouped(values, comma_free):
    """The numbers without the commas that group thousands, where it is sure that they do."""
    shaped = values.str.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
    sure = shaped & values.str.contains(r",.*,|\.")
    plain_points = values.str.fullmatch(r"[+-]?\d*\.\d*([eE][+-]?\d+)?")
    if comma_free and (sure.any() or (shaped.any() and plain_points.any())):
        return values.where(~shaped, values.str.replace(",", ""))
    return values


def typed(values, decimal_comma):
    """The type of a column, and its values in that type; missing where a value is not of it."""
    if values.empty:
        return "empty", values
    allowed = max(1, len(values) // 20) if len(values) >= 5 else 0
    numerals = values.str.replace(",", ".") if decimal_comma else grouped(values, not decimal_comma)
    ascii_number = numerals.str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", case=False)
    numbers = pd.to_numeric(numerals.where(ascii_number), errors="coerce").astype(float)
    whole = numerals.str.fullmatch(r"[+-]?\d+")
    codes = numerals.str.fullmatch(r"[+-]?0\d+(\.\d+)?") | (whole & (numerals.str.len() > 19))
    if codes.any():
        numbers[:] = float("nan")
    if numbers.notna().all():
        number = numerals.map(int) if whole.all() else numbers
        return ("integer" if whole.all() else "float"), number
    lower = values.str.lower()
    booleans = lower.isin(["true", "yes"]).astype(object).where(lower.isin(["true", "yes", "false", "no"]))
    month_first, day_first = parse(values, MONTH_FIRST), parse(values, DAY_FIRST)
    only_month, only_day = (month_first.notna() & day_first.isna()).sum(), (day_first.notna() & month_first.isna()).sum()
    formats = DATES + (MONTH_FIRST if only_month > only_day else DAY_FIRST if only_day > only_month else [])
    dates = parse(values, formats)
    iso = pd.to_datetime(values.where(values.str.match(r"\d{4}-\d\d?-\d\d?[T ]\d")), format="ISO8601", errors="coerce", utc=True)
    moments = dates.fillna(iso.dt.tz_localize(None)).fillna(parse(values, TIMES + ([form + " %H:%M" for form in MONTH_FIRST] if only_month else [])))
    candidates = [
        ("boolean", booleans),
        ("integer", numerals.where(whole & numbers.notna()).map(int, na_action="ignore")),
        ("float", numbers),
        ("date", dates),
        ("datetime", moments),
    ]
    kind, found = max(candidates, key=lambda pair: pair[1].notna().sum())
    return (kind, found) if len(values) - found.notna().sum() <= allowed else ("text", values)


def expected(path):
    """Types, names and rows."""
    table = raw(path)
    table = table.map(lambda cell: cell.strip(BLANKS))
    missing = table.isin(NULLS)
    kinds, columns, bad = [], {}, pd.Series(False, index=table.index)
    for at in range(table.shape[1]):
        values = table.iloc[:, at][~missing.iloc[:, at]]
        kind, found = typed(values, dialect_of(path).get("sep") == ";")
        bad |= found.isna().reindex(table.index, fill_value=False)
        kinds.append(kind)
        columns[at] = found.astype(object).reindex(table.index)
    clean = pd.DataFrame(columns, index=table.index).astype(object)
    clean = clean[~bad].dropna(how="all")
    # Equal rows are dropped where a column tells rows apart: faithful.csv and the like have equal rows by their nature.
    distinct = clean.drop_duplicates()
    keys = [
        at
        for at, kind in enumerate(kinds)
        if kind not in ("float", "boolean", "empty") and distinct[at].notna().all() and distinct[at].is_unique
    ]
    return list(map(str, table.columns)), kinds, distinct if keys and len(kinds) > 1 else clean, int(bad.sum())


def natural(path, kinds):
    """Where pandas by itself sees another type than the rules do, and no rule says why."""
    if path.endswith(".json"):
        return []
    options = dialect_of(path)
    index = options.pop("index_col", False)
    table = pd.read_csv(path, index_col=index, **options)
    table = table if index is False else table.reset_index()
    text = raw(path)
    strange = []
    for at, (kind, dtype) in enumerate(zip(kinds, table.dtypes)):
        cells = text.iloc[:, at].str.strip()
        wanted = {
            "i": ["integer"],
            "f": ["float", "empty"] + ["integer"] * bool(cells.isin(NULLS).any()),
            "b": ["boolean"],
            "O": ["text", "date", "datetime", "boolean"],
        }.get("O" if dtype.kind not in "ifb" else dtype.kind)
        codes = kind == "text" and cells.str.match(r"[+-]?0\d").any()
        marks = kind in ("integer", "float") and (cells.isin({"?", ".", "-", "--"}).any() or cells.str.contains(",").any())
        tolerated = kind != "text" and dtype.kind not in "ifb"
        if kind not in wanted and not codes and not marks and not tolerated:
            strange.append(f"column {at + 1}: {kind} where pandas has {dtype}")
    return strange


def written(path, kinds):
    """The table that the script wrote, in the types it says."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False)
    missing = table == ""
    columns = {}
    for at, kind in enumerate(kinds):
        values = table.iloc[:, at][~missing.iloc[:, at]]
        if kind == "integer":
            values = values.map(int)
        elif kind == "float":
            values = values.map(float)
        elif kind == "boolean":
            values = values.map({"true": True, "false": False})
        elif kind in ("date", "datetime"):
            values = pd.to_datetime(values, format="ISO8601")
        columns[at] = values.astype(object).reindex(table.index)
    return list(table.columns), pd.DataFrame(columns, index=table.index).astype(object)


def plain(value):
    """A value that can be compared: times without their unit, JSON without its blanks."""
    if isinstance(value, pd.Timestamp):
        return value.tz_localize(None).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.dumps(json.loads(value, parse_int=str, parse_float=str)).replace('"', "")
        except ValueError:
            return value
    return value


def compare(path, out):
    with open(os.path.join(out, "quality_report.json"), encoding="utf-8") as file:
        report = json.load(file)
    names, kinds, wanted, _ = expected(path)
    if path.endswith(".json"):  # json_normalize moves nested members to the end; the script leaves them where they are.
        order = [names.index(column["name"]) for column in report["columns"]]
        names, kinds = [names[at] for at in order], [kinds[at] for at in order]
        wanted = wanted[order].set_axis(range(len(order)), axis=1)
    ours = [column["type"] for column in report["columns"]]
    if ours != kinds:
        pairs = [f"{at + 1}: {ours[at]} for {kinds[at]}" for at in range(min(len(ours), len(kinds))) if ours[at] != kinds[at]]
        return report, f"{len(ours)} columns for {len(kinds)}; " + "; ".join(pairs[:5])
    found_names, found = written(os.path.join(out, "cleaned.csv"), kinds)
    if len(found) != len(wanted):
        return report, f"{len(found)} rows for {len(wanted)}"
    for at, (name, found_name) in enumerate(zip(names, found_names)):
        unnamed = not name.strip() or name.startswith("Unnamed: ") or name.isdigit() and found_name == f"column_{at + 1}"
        mangled = name.rpartition(".")[2].isdigit() and found_name.rpartition("_")[2].isdigit()
        if not unnamed and not mangled and " ".join(name.split()) != found_name:
            return report, f"column {at + 1} is called {found_name!r}, not {name!r}"
    for at in range(len(kinds)):
        left, right = found[at].reset_index(drop=True), wanted[at].reset_index(drop=True)
        if not (left.isna() == right.isna()).all():
            return report, f"column {at + 1}: {left.isna().sum()} nulls for {right.isna().sum()}"
        both = [(a, b) for a, b in zip(left.dropna().map(plain), right.dropna().map(plain)) if a != b]
        if both:
            return report, f"column {at + 1}: {both[0][0]!r} for {both[0][1]!r}, and {len(both) - 1} more"
    return report, "; ".join(natural(path, kinds))


def main():
    root, out, names = sys.argv[1:]
    for name in json.loads(names):
        try:
            report, why = compare(os.path.join(root, name), os.path.join(out, name))
            rows, columns = report["rows_out"], len(report["columns"])
        except Exception as error:  # One file that pandas stumbles over is one difference.
            rows = columns = 0
            why = f"{type(error).__name__}: {error}"
        print(json.dumps({"file": name, "rows": rows, "columns": columns, "why": why}), flush=True)


main()
