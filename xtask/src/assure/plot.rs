//! Plots, drawn as SVG by a few lines of our own: a scale by powers of ten on each axis, and lines through points.

use std::fmt::Write as _;

use super::outcome::Point;
use super::page::escape;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 16.0;
const RIGHT: f64 = 150.0;
const INKS: [&str; 5] = ["#1f6f8b", "#c0552d", "#5a7d2a", "#7a4fa3", "#555555"];

/// What a plot is called and what its axes are.
struct Legend {
    plot: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
}

const LEGENDS: [Legend; 2] = [
    Legend {
        plot: "latency",
        title: "How long a session check takes over 256 connections",
        x: "share of the answers that took longer",
        y: "milliseconds",
    },
    Legend {
        plot: "growth",
        title: "What one session check costs, by the number of live sessions",
        x: "live sessions",
        y: "microseconds",
    },
];

/// Every plot that these points make.
pub(crate) fn all(points: &[Point]) -> String {
    let mut page = String::new();
    for legend in &LEGENDS {
        let of_it: Vec<&Point> = points.iter().filter(|point| point.plot == legend.plot).collect();
        if of_it.len() > 1 {
            page.push_str(&plot(legend, &of_it));
        }
    }
    page
}

/// An axis whose ticks are the powers of ten.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let least = values.clone().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        let low = least.log10().floor();
        Self { low, high: most.log10().ceil().max(low + 1.0), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value.max(10_f64.powf(self.low)).log10() - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }
}

fn plot(legend: &Legend, points: &[&Point]) -> String {
    let across = Axis::over(points.iter().map(|point| point.x), LEFT, WIDTH - RIGHT);
    let up = Axis::over(points.iter().map(|point| point.y), HEIGHT - BOTTOM, TOP);
    let mut svg = format!(
        "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escape(legend.title),
        escape(legend.title)
    );
    for tick in across.ticks() {
        let x = across.place(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>",
            HEIGHT - BOTTOM
        );
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM + 16.0,
            short(tick)
        );
    }
    for tick in up.ticks() {
        let y = up.place(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>",
            WIDTH - RIGHT
        );
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            short(tick)
        );
    }
    let mut names: Vec<&str> = points.iter().map(|point| point.line.as_str()).collect();
    names.dedup();
    for (number, name) in names.iter().enumerate() {
        svg.push_str(&line(number, name, points, &across, &up));
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0,
        escape(legend.x)
    );
    let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    let _ = write!(
        svg,
        "<text transform=\"translate(14 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        escape(legend.y)
    );
    svg.push_str("</svg></figure>\n");
    svg
}

fn line(number: usize, name: &str, points: &[&Point], across: &Axis, up: &Axis) -> String {
    let ink = INKS[number % INKS.len()];
    let of_it: Vec<&&Point> = points.iter().filter(|point| point.line == name).collect();
    let places: Vec<String> =
        of_it.iter().map(|point| format!("{:.1},{:.1}", across.place(point.x), up.place(point.y))).collect();
    let mut svg =
        format!("<polyline fill=\"none\" stroke=\"{ink}\" stroke-width=\"2\" points=\"{}\"/>", places.join(" "));
    for point in of_it {
        let (x, y) = (across.place(point.x), up.place(point.y));
        let _ = write!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{ink}\"><title>{}: {} at {}</title></circle>",
            escape(name),
            point.y,
            point.x
        );
    }
    let y = TOP + 14.0 + 18.0 * number as f64;
    let x = WIDTH - RIGHT + 12.0;
    let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{ink}\">{}</text>", escape(name));
    svg
}

fn short(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{} M", number / 1e6),
        number if number >= 1e3 => format!("{} k", number / 1e3),
        number if number >= 1.0 => format!("{number}"),
        number => format!("{:.*}", (-number.log10()).ceil().max(1.0) as usize, number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_rises_to_the_right_and_has_every_point() {
        let point = |x: f64, y: f64| Point { plot: "growth".to_owned(), line: "a <line>".to_owned(), x, y };
        let svg = all(&[point(10_000.0, 5.0), point(100_000.0, 20.0), point(1_000_000.0, 60.0)]);
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("1 M") && svg.contains("10 k") && svg.contains("a &lt;line&gt;"), "{svg}");
        let y = |value: &str| svg.split(value).count();
        assert_eq!(y("<polyline"), 2);
        assert_eq!(all(&[point(1.0, 1.0)]), "", "one point is no plot");
        let up = Axis::over([5.0, 60.0].into_iter(), 200.0, 10.0);
        assert!(up.place(60.0) < up.place(5.0) && up.place(5.0) < 200.0);
    }

    #[test]
    fn numbers_on_axes_are_short() {
        assert_eq!([0.01, 1.0, 100.0, 10_000.0, 1e6].map(short), ["0.01", "1", "100", "10 k", "1 M"]);
    }
}
