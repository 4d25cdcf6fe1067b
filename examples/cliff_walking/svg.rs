//! The picture: returns above, the cliff with both paths below.

use std::fmt::Write;

use super::Learned;

const WIDTH: f64 = 720.0;
const PLOT: (f64, f64) = (300.0, 60.0);
const CELL: f64 = 50.0;
/// Returns below this are cut off; the first episodes are far worse.
const WORST: f64 = -120.0;
/// Returns are smoothed over so many episodes.
const SMOOTHED: usize = 10;

pub(super) fn picture(learned: &[Learned]) -> String {
    let mut svg = String::new();
    let height = PLOT.0 + 110.0 + 4.0 * CELL + 40.0;
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>"##
    );
    returns(&mut svg, learned);
    grid(&mut svg, learned, PLOT.0 + 110.0);
    svg.push_str("</svg>\n");
    svg
}

fn returns(svg: &mut String, learned: &[Learned]) {
    let (height, left) = PLOT;
    let width = WIDTH - left - 20.0;
    let y = |value: f64| 40.0 + height * (value.max(WORST) / WORST);
    let _ = writeln!(
        svg,
        r##"<text x="{left}" y="24" font-size="15">Sum of rewards of an episode (mean of the runs, smoothed over {SMOOTHED})</text>"##
    );
    for value in [0.0, -20.0, -40.0, -60.0, -80.0, -100.0, -120.0] {
        let at = y(value);
        let right = left + width;
        let _ = writeln!(
            svg,
            r##"<line x1="{left}" y1="{at:.1}" x2="{right}" y2="{at:.1}" stroke="#dddddd"/><text x="{:.1}" y="{:.1}" text-anchor="end">{value}</text>"##,
            left - 8.0,
            at + 4.0
        );
    }
    for (row, Learned { name, colour, returns, .. }) in learned.iter().enumerate() {
        let points: Vec<String> = returns
            .windows(SMOOTHED)
            .enumerate()
            .map(|(at, window)| {
                let mean = window.iter().sum::<f64>() / SMOOTHED as f64;
                let x = left + width * (at + SMOOTHED) as f64 / returns.len() as f64;
                format!("{x:.1},{:.1}", y(mean))
            })
            .collect();
        let _ = writeln!(
            svg,
            r##"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="1.5"/><text x="{:.1}" y="{:.1}" fill="{colour}">{name}</text>"##,
            points.join(" "),
            left + width - 90.0,
            height - 10.0 + 18.0 * row as f64
        );
    }
    let _ = writeln!(
        svg,
        r##"<text x="{:.1}" y="{:.1}" text-anchor="middle">episodes 1 to {}</text>"##,
        left + 0.5 * width,
        height + 62.0,
        learned.first().map_or(0, |learned| learned.returns.len())
    );
}

fn grid(svg: &mut String, learned: &[Learned], top: f64) {
    let left = 60.0;
    for cell in 0..48 {
        let (x, y) = (left + CELL * f64::from(cell % 12), top + CELL * f64::from(cell / 12));
        let (fill, letter) = match cell {
            36 => ("#ffffff", "S"),
            47 => ("#ffffff", "G"),
            37..=46 => ("#888888", ""),
            _ => ("#ffffff", ""),
        };
        let _ = writeln!(
            svg,
            r##"<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="#bbbbbb"/><text x="{:.1}" y="{:.1}">{letter}</text>"##,
            x + 6.0,
            y + 18.0
        );
    }
    for (row, Learned { colour, path, .. }) in learned.iter().enumerate() {
        // Beside each other where they share cells.
        let aside = 5.0 * (row as f64 - 0.5);
        let points: Vec<String> = path
            .iter()
            .map(|&cell| {
                let x = left + CELL * ((cell % 12) as f64 + 0.5) + aside;
                let y = top + CELL * ((cell / 12) as f64 + 0.5) + aside;
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = writeln!(
            svg,
            r##"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="3" stroke-linejoin="round"/>"##,
            points.join(" ")
        );
    }
    let _ = writeln!(
        svg,
        r##"<text x="{left}" y="{:.1}">The greedy paths from S to G; the grey cells are the cliff</text>"##,
        top + 4.0 * CELL + 22.0
    );
}
