//! Attention is what an oracle in plain loops says, whatever the shape, the mask and the size of the logits, and has the symmetries that it must.
//!
//! `PROPTEST_CASES` takes more cases than the few of a usual run; a bug that was found stays as a test of its own.

mod oracle;

use orchestrator_attention::{
    Attended, Mask, Real, Returns, ScaledDotProduct, Workspace, nalgebra::DMatrix,
};
use orchestrator_core::Seed;
use proptest::prelude::*;

/// So many cases where the environment asks for no other number.
fn cases(usual: u32) -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = usual;
    }
    config
}

/// What kind of mask, drawn; the mask itself needs a shape.
#[derive(Debug, Clone, Copy)]
enum Masked {
    Not,
    Causal,
    Padding,
    Additive,
    CausalPadding,
    AllThree,
    Everything,
}

/// A case, in numbers that shrink.
#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
    value_width: usize,
    masked: Masked,
    /// The sizes of q, k and v, as powers of ten.
    sizes: [i32; 3],
    scale: Option<f64>,
    returns: Returns,
}

fn masked() -> impl Strategy<Value = Masked> {
    prop_oneof![
        3 => Just(Masked::Not),
        2 => Just(Masked::Causal),
        2 => Just(Masked::Padding),
        2 => Just(Masked::Additive),
        1 => Just(Masked::CausalPadding),
        1 => Just(Masked::AllThree),
        1 => Just(Masked::Everything),
    ]
}

/// Small numbers, and those at the borders of blocks.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1..20_usize, 2 => 60..70_usize, 1 => 127..131_usize, 1 => 254..259_usize]
}

fn width() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 1..10_usize, 1 => 10..71_usize]
}

fn scale() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(0.0)),
        1 => Just(Some(-0.7)),
        1 => Just(Some(1.0)),
        1 => Just(Some(1e-20)),
        1 => Just(Some(37.5)),
    ]
}

fn returns() -> impl Strategy<Value = Returns> {
    prop_oneof![Just(Returns::Output), Just(Returns::Statistics), Just(Returns::Weights)]
}

/// Sizes within what the logits of the type can be: products up to about 10^`most`.
fn case(most: i32) -> impl Strategy<Value = Case> {
    let least = -most.min(60) / 2;
    let size = prop_oneof![5 => Just([0, 0, 0]), 2 => [-2..3, -2..2, -3..4],
        1 => [least..most / 2, least..most / 2, least..most / 2]];
    let shape = (1..4_usize, length(), length(), width(), width());
    (any::<u64>(), shape, masked(), size, scale(), returns()).prop_map(
        |(seed, (heads, queries, keys, width, value_width), masked, sizes, scale, returns)| Case {
            seed,
            heads,
            queries,
            keys,
            width,
            value_width,
            masked,
            sizes,
            scale,
            returns,
        },
    )
}

struct Made<T: Real> {
    attention: ScaledDotProduct<T>,
    q: DMatrix<T>,
    k: DMatrix<T>,
    v: DMatrix<T>,
}

impl<T: Real> Made<T> {
    fn attend(&self) -> Attended<T> {
        self.attention.attend(&self.q, &self.k, &self.v).unwrap()
    }

    fn matrices(&self) -> [&DMatrix<T>; 3] {
        [&self.q, &self.k, &self.v]
    }

    fn with(&self, returns: Returns) -> ScaledDotProduct<T> {
        ScaledDotProduct { returns, ..self.attention.clone() }
    }
}

fn normal<T: Real>(seed: Seed, rows: usize, columns: usize, size: f64) -> DMatrix<T> {
    let mut stream = seed.fast_stream();
    // Some zeros of both signs, equal numbers and numbers below the least normal one among them.
    let odd = stream.unit() < 0.2;
    DMatrix::from_fn(rows, columns, |_, _| {
        let value = stream.normal();
        let value = if odd {
            match (stream.unit() * 8.0) as usize {
                0 => 0.0,
                1 => -0.0,
                2 => 1.0,
                3 => -1.0,
                4 => f64::MIN_POSITIVE * value,
                _ => value,
            }
        } else {
            value
        };
        T::of(value * size)
    })
}

impl Case {
    fn made<T: Real>(&self) -> Made<T> {
        let Case { heads, queries, keys, width, value_width, .. } = *self;
        let seed = Seed(self.seed);
        let ten = |power: i32| 10_f64.powi(power);
        let [q, k, v] = self.sizes.map(ten);
        let attention = ScaledDotProduct {
            heads,
            scale: self.scale.map(T::of),
            mask: self.mask(),
            returns: self.returns,
            threads: 1,
        };
        Made {
            attention,
            q: normal(seed.derive("q"), queries, heads * width, q),
            k: normal(seed.derive("k"), keys, heads * width, k),
            v: normal(seed.derive("v"), keys, heads * value_width, v),
        }
    }

    fn mask<T: Real>(&self) -> Mask<T> {
        let mut stream = Seed(self.seed).derive("mask").fast_stream();
        let often = stream.unit();
        let mut padding = || Mask::Padding((0..self.keys).map(|_| stream.unit() < often).collect());
        match self.masked {
            Masked::Not => Mask::None,
            Masked::Causal => Mask::Causal,
            Masked::Padding => padding(),
            Masked::Additive => self.additive(),
            Masked::CausalPadding => Mask::Causal.and(padding()),
            Masked::AllThree => self.additive().and(padding().and(Mask::Causal)),
            Masked::Everything => Mask::Padding(vec![false; self.keys]),
        }
    }

    fn additive<T: Real>(&self) -> Mask<T> {
        let mut stream = Seed(self.seed).derive("additive").fast_stream();
        let often = stream.unit();
        Mask::Additive(DMatrix::from_fn(self.queries, self.keys, |_, _| {
            let bias = T::of(2.0 * stream.normal());
            if stream.unit() < 0.5 * often { T::HIDDEN } else { bias }
        }))
    }
}

fn equals_the_oracle<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let made = case.made::<T>();
    let attended = match made.attention.attend(&made.q, &made.k, &made.v) {
        Ok(attended) => attended,
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    oracle::structure(&made.attention, made.matrices(), &attended).map_err(TestCaseError::fail)?;
    oracle::check(&made.attention, made.matrices(), &attended, 24).map_err(TestCaseError::fail)
}

/// Both equal within what two roundings of the same sum may differ by.
fn near<T: Real>(
    a: &DMatrix<T>,
    b: &DMatrix<T>,
    relative: f64,
    size: f64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.shape(), b.shape());
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a.double(), b.double());
        prop_assert!(a == b || (a - b).abs() <= relative * size, "{a:e} and {b:e}");
    }
    Ok(())
}

/// What the order of summation may change: logits are of size 10, sums of some hundred terms.
fn order<T: Real>() -> f64 {
    1000.0 * T::EPSILON.double()
}

fn plain() -> impl Strategy<Value = Case> {
    case(4).prop_map(|case| Case { sizes: [0; 3], scale: None, ..case })
}

fn keys_and_values_in_another_order<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let case = Case { masked: Masked::Not, returns: Returns::Weights, ..case.clone() };
    let made = case.made::<T>();
    let mut turned: Vec<usize> = (0..case.keys).collect();
    Seed(case.seed).derive("order").stream().shuffle(&mut turned);
    let other = Made {
        attention: made.attention.clone(),
        q: made.q.clone(),
        k: made.k.select_rows(&turned),
        v: made.v.select_rows(&turned),
    };
    let (a, b) = (made.attend(), other.attend());
    near(&a.output, &b.output, order::<T>(), made.v.amax().double())?;
    let (a_statistics, b_statistics) = (a.statistics.unwrap(), b.statistics.unwrap());
    near(&a_statistics.entropy, &b_statistics.entropy, order::<T>(), 1.0)?;
    near(&a_statistics.log_sum_exp, &b_statistics.log_sum_exp, order::<T>(), 1.0)?;
    for (a, b) in a.weights.unwrap().iter().zip(&b.weights.unwrap()) {
        near(&a.select_columns(&turned), b, order::<T>(), 1.0)?;
    }
    Ok(())
}

fn queries_in_another_order<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let case = Case { masked: Masked::Padding, ..case.clone() };
    let made = case.made::<T>();
    let mut turned: Vec<usize> = (0..case.queries).collect();
    Seed(case.seed).derive("order").stream().shuffle(&mut turned);
    let other = Made {
        attention: made.attention.clone(),
        q: made.q.select_rows(&turned),
        k: made.k.clone(),
        v: made.v.clone(),
    };
    let (a, b) = (made.attend(), other.attend());
    prop_assert_eq!(a.output.select_rows(&turned), b.output);
    if let (Some(a), Some(b)) = (a.statistics, b.statistics) {
        prop_assert_eq!(a.entropy.select_rows(&turned), b.entropy);
        prop_assert_eq!(a.log_sum_exp.select_rows(&turned), b.log_sum_exp);
    }
    Ok(())
}

/// Bit for bit: what is hidden can have any finite content.
fn what_is_hidden_does_not_matter<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let made = case.made::<T>();
    let seen_by = |query: usize, key: usize| {
        let bias = made.attention.mask.bias(query, key, case.queries, case.keys);
        bias > T::HIDDEN
    };
    // From `cut` on, queries may look at what has changed.
    let cut = (case.seed % case.queries as u64) as usize;
    let hidden: Vec<usize> =
        (0..case.keys).filter(|key| (0..cut).all(|query| !seen_by(query, *key))).collect();
    let mut other = Made {
        attention: made.attention.clone(),
        q: made.q.clone(),
        k: made.k.clone(),
        v: made.v.clone(),
    };
    let strange = normal::<T>(Seed(!case.seed), case.keys, made.k.ncols().max(made.v.ncols()), 1e3);
    for &key in &hidden {
        for column in 0..made.k.ncols() {
            other.k[(key, column)] = strange[(key, column)];
        }
        for column in 0..made.v.ncols() {
            other.v[(key, column)] = strange[(key, column)];
        }
    }
    let (a, b) = (made.attend(), other.attend());
    prop_assert_eq!(a.output.rows(0, cut), b.output.rows(0, cut));
    if let (Some(a), Some(b)) = (a.statistics, b.statistics) {
        prop_assert_eq!(a.entropy.rows(0, cut), b.entropy.rows(0, cut));
        prop_assert_eq!(a.log_sum_exp.rows(0, cut), b.log_sum_exp.rows(0, cut));
    }
    if let (Some(a), Some(b)) = (a.weights, b.weights) {
        for (a, b) in a.iter().zip(&b) {
            prop_assert_eq!(a.rows(0, cut), b.rows(0, cut));
        }
    }
    Ok(())
}

fn a_constant_bias_moves_log_sum_exp_alone<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let case = Case { masked: Masked::Additive, returns: Returns::Weights, ..case.clone() };
    let mut made = case.made::<T>();
    let before = made.attend();
    let by = 64.0 * (Seed(case.seed).derive("by").fast_stream().unit() - 0.5);
    let Mask::Additive(bias) = &made.attention.mask else { unreachable!("made so above") };
    made.attention.mask = Mask::Additive(bias.map(|bias| bias + T::of(by)));
    let after = made.attend();
    let relative = 4.0 * order::<T>();
    near(&before.output, &after.output, relative, made.v.amax().double())?;
    for (a, b) in before.weights.unwrap().iter().zip(&after.weights.unwrap()) {
        near(a, b, relative, 1.0)?;
    }
    let (before, after) = (before.statistics.unwrap(), after.statistics.unwrap());
    near(&before.entropy, &after.entropy, relative, 4.0)?;
    let moved = before.log_sum_exp.map(|lse| lse + T::of(by));
    near(&moved, &after.log_sum_exp, relative, 1.0)
}

/// What else is asked for does not change a bit.
fn more_answers_do_not_change_the_others<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let made = case.made::<T>();
    let [output, statistics, weights] = [Returns::Output, Returns::Statistics, Returns::Weights]
        .map(|returns| made.with(returns).attend(&made.q, &made.k, &made.v).unwrap());
    prop_assert_eq!(&output.output, &statistics.output);
    prop_assert_eq!(&output.output, &weights.output);
    prop_assert_eq!(statistics.statistics, weights.statistics);
    Ok(())
}

/// The same twice: nothing is left over from one answer to the next.
fn it_is_the_same_twice<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let made = case.made::<T>();
    let answer = made.attend();
    prop_assert_eq!(&made.attend(), &answer);
    // In memory that another question has left behind, with more answers than are wanted now.
    let (mut workspace, mut attended) = (Workspace::new(), Attended::default());
    let other = Case { seed: !case.seed, queries: case.keys, keys: case.queries, ..case.clone() };
    let other = other.made::<T>();
    for (attention, matrices) in [
        (other.with(Returns::Weights), other.matrices()),
        (made.attention.clone(), made.matrices()),
    ] {
        let [q, k, v] = matrices;
        attention.attend_into(q, k, v, &mut workspace, &mut attended).unwrap();
    }
    prop_assert_eq!(attended, answer);
    Ok(())
}

/// Heads do not see each other.
fn heads_are_apart<T: Real>(case: &Case) -> Result<(), TestCaseError> {
    let made = case.made::<T>();
    let all = made.attend();
    for head in 0..case.heads {
        let part = |matrix: &DMatrix<T>| {
            let width = matrix.ncols() / case.heads;
            matrix.columns(head * width, width).into_owned()
        };
        let alone = ScaledDotProduct { heads: 1, ..made.attention.clone() };
        let alone = alone.attend(&part(&made.q), &part(&made.k), &part(&made.v)).unwrap();
        prop_assert_eq!(part(&all.output), alone.output);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn it_equals_the_oracle_in_f64(case in case(300)) {
        equals_the_oracle::<f64>(&case)?;
    }

    #[test]
    fn it_equals_the_oracle_in_f32(case in case(30)) {
        equals_the_oracle::<f32>(&case)?;
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn the_order_of_keys_with_their_values_does_not_matter(case in plain()) {
        keys_and_values_in_another_order::<f64>(&case)?;
        keys_and_values_in_another_order::<f32>(&case)?;
    }

    #[test]
    fn the_order_of_queries_is_the_order_of_the_output(case in plain()) {
        queries_in_another_order::<f64>(&case)?;
        queries_in_another_order::<f32>(&case)?;
    }

    #[test]
    fn what_no_query_sees_changes_no_bit(case in plain()) {
        what_is_hidden_does_not_matter::<f64>(&case)?;
        what_is_hidden_does_not_matter::<f32>(&case)?;
    }

    #[test]
    fn the_future_changes_no_bit(case in plain()) {
        let case = Case { masked: Masked::Causal, keys: case.queries, ..case };
        what_is_hidden_does_not_matter::<f64>(&case)?;
        what_is_hidden_does_not_matter::<f32>(&case)?;
    }

    #[test]
    fn a_constant_added_to_the_mask_is_added_to_log_sum_exp_and_nothing_else(case in plain()) {
        a_constant_bias_moves_log_sum_exp_alone::<f64>(&case)?;
        a_constant_bias_moves_log_sum_exp_alone::<f32>(&case)?;
    }

    #[test]
    fn what_else_is_asked_for_changes_no_answer(case in plain()) {
        more_answers_do_not_change_the_others::<f64>(&case)?;
        more_answers_do_not_change_the_others::<f32>(&case)?;
    }

    #[test]
    fn the_same_question_has_the_same_answer(case in plain()) {
        it_is_the_same_twice::<f64>(&case)?;
        it_is_the_same_twice::<f32>(&case)?;
    }

    #[test]
    fn a_head_does_not_see_the_others(case in plain()) {
        heads_are_apart::<f64>(&case)?;
        heads_are_apart::<f32>(&case)?;
    }
}

/// Every combination of lengths at the borders of blocks, in both types.
#[test]
fn the_borders_of_blocks_are_no_borders_of_the_answer() {
    for queries in [1, 63, 64, 65, 129] {
        for keys in [1, 63, 64, 65, 255, 256, 257] {
            let masked = [Masked::Not, Masked::Causal, Masked::Padding, Masked::Additive];
            let masked = masked[(queries + keys) % masked.len()];
            let (width, value_width) = ([4, 1, 9, 17][keys % 4], [4, 16, 3][queries % 3]);
            let case = Case {
                seed: (queries * 1000 + keys) as u64,
                heads: 2,
                queries,
                keys,
                width,
                value_width,
                masked,
                sizes: [0; 3],
                scale: None,
                returns: Returns::Weights,
            };
            equals_the_oracle::<f64>(&case).unwrap_or_else(|error| panic!("{case:?}: {error}"));
            equals_the_oracle::<f32>(&case).unwrap_or_else(|error| panic!("{case:?}: {error}"));
        }
    }
}

/// On one thread or many: large enough to be worth several.
#[test]
fn on_several_threads_the_answer_is_the_same_to_the_last_bit() {
    let case = Case {
        seed: 7,
        heads: 3,
        queries: 301,
        keys: 190,
        width: 16,
        value_width: 24,
        masked: Masked::AllThree,
        sizes: [0; 3],
        scale: None,
        returns: Returns::Weights,
    };
    let made = case.made::<f32>();
    let answer = made.attend();
    for threads in [2, 3, 8] {
        let attention = ScaledDotProduct { threads, ..made.attention.clone() };
        assert_eq!(
            attention.attend(&made.q, &made.k, &made.v).unwrap(),
            answer,
            "{threads} threads"
        );
    }
    oracle::check(&made.attention, made.matrices(), &answer, 20).unwrap();
}
