//! The drawing of a search: scores by generation, on the rows that it was tuned on and on those that were held out.

use std::fmt::Write;

use super::Trial;

/// The plot and the margins around it, in pixels.
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 84.0;
const TOP: f64 = 56.0;
const RIGHT: f64 = 24.0;
const BELOW: f64 = 104.0;

const TUNED: &str = "#0066cc";
const HELD_OUT: &str = "#cc5500";
const DASHES: &str = "6 4";

/// An SVG: what was found as a line, the defaults as a dashed one, in one colour for each part of the data.
pub(super) fn drawing(trial: &Trial, file: &str) -> String {
    let (default_tuning, default_held_out) =
        (trial.judged.default_tuning.score, trial.judged.default_held_out.score);
    let curves = [
        (&trial.tuning, TUNED, default_tuning, "tuned on", trial.judged.tuning_rows),
        (&trial.held_out, HELD_OUT, default_held_out, "held out", trial.judged.held_out_rows),
    ];
    let scores = || curves.iter().flat_map(|curve| curve.0.iter().copied().chain([curve.2]));
    let lowest = scores().fold(f64::INFINITY, f64::min);
    let highest = scores().fold(f64::NEG_INFINITY, f64::max);
    let room = ((highest - lowest) * 0.1).max(0.0005);
    let (bottom, top) = (lowest - room, highest + room);
    let last = (trial.tuning.len() - 1).max(1);
    let right = |generation: f64| LEFT + WIDTH * generation / last as f64;
    let down = |score: f64| TOP + HEIGHT * (top - score) / (top - bottom);
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW);
    let (low, end) = (TOP + HEIGHT, LEFT + WIDTH);
    let middle = LEFT + WIDTH / 2.0;
    let mut svg = String::new();
    let mut draw = |part: String| writeln!(svg, "{part}").expect("a text takes more text");
    draw(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="13">
<title>Scores of generated scripts by generation</title>
<rect width="100%" height="100%" fill="white"/>
<text x="{middle:.1}" y="30" text-anchor="middle" font-size="15">{}</text>
<path d="M{LEFT} {TOP}V{low}H{end}" fill="none" stroke="black"/>"#,
        escaped(&format!("{file}: the best script of each generation"))
    ));
    for tick in 0..=4 {
        let score = bottom + (top - bottom) * f64::from(tick) / 4.0;
        let y = down(score);
        draw(format!(
            r#"<path d="M{LEFT} {y:.1}h-6" stroke="black"/><text x="{:.1}" y="{:.1}" text-anchor="end">{score:.4}</text>"#,
            LEFT - 10.0,
            y + 4.0
        ));
    }
    for generation in (0..=last).step_by(last.div_ceil(10)) {
        let x = right(generation as f64);
        draw(format!(
            r#"<path d="M{x:.1} {low}v6" stroke="black"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{generation}</text>"#,
            low + 20.0
        ));
    }
    draw(format!(
        r#"<text x="{middle:.1}" y="{:.1}" text-anchor="middle">generation</text>
<text transform="translate(20 {:.1}) rotate(-90)" text-anchor="middle">score, 0 to 1</text>"#,
        low + 40.0,
        TOP + HEIGHT / 2.0
    ));
    for (row, (scores, colour, default, part, rows)) in curves.into_iter().enumerate() {
        let points: Vec<String> = scores
            .iter()
            .enumerate()
            .map(|(at, score)| format!("{:.1},{:.1}", right(at as f64), down(*score)))
            .collect();
        let (points, default) = (points.join(" "), down(default));
        let y = low + 64.0 + 20.0 * row as f64;
        draw(format!(
            r#"<path d="M{LEFT} {default:.1}H{end}" stroke="{colour}" stroke-dasharray="{DASHES}"/>
<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>
<path d="M{LEFT} {y}h28" stroke="{colour}" stroke-width="2"/><text x="{:.1}" y="{:.1}">found, {rows} rows {part}</text>
<path d="M{:.1} {y}h28" stroke="{colour}" stroke-dasharray="{DASHES}"/><text x="{:.1}" y="{:.1}">defaults on the same</text>"#,
            LEFT + 36.0,
            y + 4.0,
            middle + 20.0,
            middle + 56.0,
            y + 4.0
        ));
    }
    svg + "</svg>\n"
}

/// A text between tags. What XML does not know, such as most control characters, is left out.
fn escaped(text: &str) -> String {
    let known = text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    let text: String = known.collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use orchestrator_ai::codegen::{Isolation, Kept, MeasuredScore, MeasuredSearch, Measurement};

    use super::*;

    fn trial(tuning: &[f64], held_out: &[f64]) -> Trial {
        let score = |score: f64| MeasuredScore { score, measurement: Measurement::default() };
        Trial {
            tuning: tuning.to_vec(),
            held_out: held_out.to_vec(),
            judged: MeasuredSearch {
                tuning_rows: 40,
                validation_rows: 30,
                held_out_rows: 30,
                kept: Kept::Found,
                searched_validation: 0.9,
                default_tuning: score(0.8),
                found_tuning: score(0.9),
                default_validation: score(0.8),
                found_validation: score(0.9),
                default_held_out: score(0.7),
                found_held_out: score(0.9),
                script_sha256: String::new(),
                covered: None,
                scripts_run: 1,
                isolation: Isolation::default(),
            },
        }
    }

    /// Reads a document as strictly as XML wants it, as far as drawings go: one root, tags that close, attributes in quotes and
    /// once each, no bare `&` or `<`. Gives the names of the elements and the texts.
    fn parse(xml: &str) -> (Vec<&str>, Vec<&str>) {
        let (mut open, mut names, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = xml.trim_end();
        while let Some(tag) = rest.strip_prefix('<') {
            let end = tag.find('>').expect("a tag ends");
            let (inside, behind) = (&tag[..end], &tag[end + 1..]);
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "what was opened last is closed first");
            } else {
                let empty = inside.ends_with('/');
                let inside = inside.trim_end_matches('/');
                let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
                assert!(names.is_empty() || !open.is_empty(), "there is one root");
                names.push(name);
                check_attributes(attributes);
                if !empty {
                    open.push(name);
                }
            }
            let (text, next) = behind.split_at(behind.find('<').unwrap_or(behind.len()));
            check_text(text);
            if !text.trim().is_empty() {
                assert!(!open.is_empty(), "text is inside the root: {text:?}");
                texts.push(text);
            }
            rest = next;
        }
        assert!(rest.is_empty() && open.is_empty(), "left: {rest:?}, open: {open:?}");
        (names, texts)
    }

    fn check_attributes(mut rest: &str) {
        let mut seen = Vec::new();
        while !rest.is_empty() {
            let (name, value) = rest.split_once("=\"").expect("an attribute has a value in quotes");
            let (value, next) = value.split_once('"').expect("the quotes close");
            check_text(value);
            assert!(
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            );
            assert!(!seen.contains(&name), "{name} is there twice");
            seen.push(name);
            rest = next.strip_prefix(' ').unwrap_or(next);
        }
    }

    fn check_text(text: &str) {
        assert!(!text.contains('<'));
        for (at, _) in text.match_indices('&') {
            let known = ["&amp;", "&lt;", "&gt;"].iter().any(|name| text[at..].starts_with(name));
            assert!(known, "a bare & in {text:?}");
        }
    }

    #[test]
    fn the_drawing_is_xml_whatever_the_file_is_called() {
        for file in ["a.csv", "<b> & \"c\" ]]>.csv", "d\u{1}\n\u{ffff}.csv"] {
            for scores in [&[0.8, 0.85, 0.9][..], &[0.8], &[0.8, 0.8]] {
                let drawn = drawing(&trial(scores, scores), file);
                let (names, texts) = parse(&drawn);
                assert_eq!(names[0], "svg");
                assert_eq!(names.iter().filter(|name| **name == "polyline").count(), 2);
                assert_eq!(
                    drawn.matches("stroke-dasharray").count(),
                    4,
                    "two lines, two in the legend"
                );
                for wanted in ["generation", "score, 0 to 1", "found, 40 rows tuned on"] {
                    assert!(texts.contains(&wanted), "{wanted} is not among {texts:?}");
                }
            }
        }
    }

    #[test]
    fn better_scores_lie_higher_and_none_outside() {
        let drawn = drawing(&trial(&[0.75, 0.8, 0.95], &[0.7, 0.6, 0.9]), "a.csv");
        let lines: Vec<Vec<f64>> = drawn
            .split("points=\"")
            .skip(1)
            .map(|part| {
                let points = part.split('"').next().unwrap().split(' ');
                points.map(|point| point.split_once(',').unwrap().1.parse().unwrap()).collect()
            })
            .collect();
        assert!(lines[0][0] > lines[0][1] && lines[0][1] > lines[0][2]);
        assert!(lines[1][1] > lines[1][0] && lines[1][0] > lines[1][2]);
        assert!(lines.iter().flatten().all(|y| (TOP..=TOP + HEIGHT).contains(y)));
    }
}
