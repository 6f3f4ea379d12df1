//! Outcomes over time: above, the rate, stacked by outcome; below, the running total, against the number of all recipients.
//!
//! Times without outcomes are left out; a band shows how long they were.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, Timelike};
use chrono_tz::Tz;

use crate::statistics::plot::words;
use crate::statistics::scale::{duration, grouped, rate_unit, short, ticks};
use crate::statistics::timeline::{BREAK_BINS, Stretch, Times, seconds};
use crate::statistics::{Outcome, Tally};

/// Size of a plot, in pixels.
#[derive(Debug, Clone, Copy)]
pub(in crate::statistics) struct Frame {
    width: f64,
    left: f64,
    /// Heights of the two parts.
    rate: f64,
    sum: f64,
}

/// For a desktop and for a phone.
pub(in crate::statistics) const WIDE: Frame = Frame { width: 720.0, left: 56.0, rate: 170.0, sum: 120.0 };
pub(in crate::statistics) const NARROW: Frame = Frame { width: 340.0, left: 44.0, rate: 150.0, sum: 110.0 };

const RIGHT_MARGIN: f64 = 14.0;
/// Space for the name above each part.
const HEADER_HEIGHT: f64 = 26.0;
/// Space between the parts, and below them for the times.
const GUTTER_HEIGHT: f64 = 14.0;
const FOOTER_HEIGHT: f64 = 39.0;
/// Maximum width of a bin.
const MAX_BIN_WIDTH: f64 = 48.0;
/// Minimum height of a bar segment.
const MIN_HEIGHT: f64 = 2.0;
/// Width of a date with year.
const LABEL_WIDTH: f64 = 70.0;

/// Possible steps between labels, in seconds.
const LABEL_STEPS_SECONDS: [i64; 18] = [
    1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_419_200,
    31_536_000,
];

/// The plot of a mailing to `expected` recipients; `name` makes its element ids unique on the page.
pub(in crate::statistics) fn plot(times: &Times, expected: u64, zone: Tz, frame: Frame, name: &str) -> String {
    let bins: usize = times.stretches.iter().map(|stretch| stretch.bins.len()).sum();
    let slots = bins + BREAK_BINS * (times.stretches.len() - 1);
    let slot = ((frame.width - frame.left - RIGHT_MARGIN) / slots as f64).min(MAX_BIN_WIDTH);
    let mut plot = Plot { times, expected, zone, frame, slot, svg: String::new() };
    let (width, height) = (frame.width, plot.sum_floor() + FOOTER_HEIGHT);
    let _ = write!(
        plot.svg,
        "<svg class=\"time\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-desc\"><title id=\"{name}-title\">Over time</title>\
         <desc id=\"{name}-desc\">{}</desc>",
        plot.description()
    );
    plot.breaks();
    plot.rates();
    plot.sums();
    plot.labels();
    plot.svg + "</svg>"
}

struct Plot<'a> {
    times: &'a Times,
    expected: u64,
    zone: Tz,
    frame: Frame,
    /// Width of a bin, in pixels.
    slot: f64,
    svg: String,
}

impl<'a> Plot<'a> {
    fn rate_floor(&self) -> f64 {
        HEADER_HEIGHT + self.frame.rate
    }

    fn sum_floor(&self) -> f64 {
        self.rate_floor() + GUTTER_HEIGHT + HEADER_HEIGHT + self.frame.sum
    }

    fn right(&self) -> f64 {
        self.frame.width - RIGHT_MARGIN
    }

    fn local(&self, time: i64) -> DateTime<Tz> {
        seconds(time).with_timezone(&self.zone)
    }

    /// The stretches with the x position of their left edge.
    fn stretches(&self) -> Vec<(f64, &'a Stretch)> {
        let mut x = self.frame.left;
        let mut placed = Vec::new();
        for stretch in &self.times.stretches {
            placed.push((x, stretch));
            x += (stretch.bins.len() + BREAK_BINS) as f64 * self.slot;
        }
        placed
    }

    /// The bins with the x position of their left edge and their time.
    fn bins(&self) -> Vec<(f64, i64, &'a Tally)> {
        let width = self.times.width;
        let of = |(x, stretch): (f64, &'a Stretch)| {
            let slot = self.slot;
            (0i64..)
                .zip(&stretch.bins)
                .map(move |(number, tally)| (x + number as f64 * slot, stretch.start + number * width, tally))
        };
        self.stretches().into_iter().flat_map(of).collect()
    }

    fn description(&self) -> String {
        let times = self.times;
        let form =
            |time: DateTime<chrono::Utc>| time.with_timezone(&self.zone).format("%-d %B %Y %H:%M:%S").to_string();
        let mut all = Tally::default();
        times.stretches.iter().flat_map(|stretch| &stretch.bins).for_each(|tally| all.add_all(tally));
        format!(
            "From {} to {}, in steps of {}: {} of {} recipients.",
            form(times.first),
            form(times.last),
            duration(TimeDelta::seconds(times.width)),
            words(&all),
            grouped(self.expected)
        )
    }

    /// The upper part: bars.
    fn rates(&mut self) {
        let max = self.times.stretches.iter().flat_map(|stretch| &stretch.bins).map(Tally::total).max().unwrap_or(0);
        let (unit, word) = rate_unit(max as f64 / self.times.width as f64);
        let per_unit = unit / self.times.width as f64;
        let top = self.axis(
            self.rate_floor(),
            self.frame.rate,
            &format!("Recipients per {word}"),
            max as f64 * per_unit,
            false,
        );
        let floor = self.rate_floor();
        let spacing = if self.slot > 5.0 { 1.0 } else { 0.0 };
        for (x, time, tally) in self.bins() {
            if tally.total() == 0 {
                continue;
            }
            let _ =
                write!(self.svg, "<g><title>{}: {}</title>", self.local(time).format("%-d %b %H:%M:%S"), words(tally));
            let mut y = floor;
            for (outcome, count) in tally.occurring() {
                let height =
                    (count as f64 * per_unit * self.frame.rate / top).max(MIN_HEIGHT).min(y - floor + self.frame.rate);
                y -= height;
                let _ = write!(
                    self.svg,
                    "<rect class=\"{}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                    outcome.word(),
                    x,
                    self.slot - spacing
                );
            }
            self.svg.push_str("</g>");
        }
    }

    /// The lower part: lines.
    fn sums(&mut self) {
        let (floor, height) = (self.sum_floor(), self.frame.sum);
        let top = self.axis(floor, height, "Recipients in total", self.expected as f64, true);
        let place = |count: u64| floor - count as f64 * height / top;
        let all = place(self.expected);
        let _ =
            write!(self.svg, "<path class=\"expected\" d=\"M{:.1} {all:.1}H{:.1}\"/>", self.frame.left, self.right());
        self.sum("sum-sent", place, |tally| tally.of(Outcome::Sent));
        self.sum("sum-rest", place, Tally::undelivered);
    }

    /// A line through the running total of `count`.
    fn sum(&mut self, class: &str, place: impl Fn(u64) -> f64, count: impl Fn(&Tally) -> u64) {
        let mut sum = 0;
        let mut path = format!("M{:.1} {:.1}", self.frame.left, place(0));
        for (x, _, tally) in self.bins() {
            sum += count(tally);
            let _ = write!(path, "H{x:.1}L{:.1} {:.1}", x + self.slot, place(sum));
        }
        if sum > 0 {
            let _ = write!(self.svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    /// Draws name, ticks and grid of a part above `floor`; returns the value at its top.
    fn axis(&mut self, floor: f64, height: f64, name: &str, max: f64, whole: bool) -> f64 {
        let (left, right) = (self.frame.left, self.right());
        let _ = write!(self.svg, "<text class=\"name\" x=\"0\" y=\"{:.1}\">{name}</text>", floor - height - 11.0);
        let ticks = ticks(max, whole);
        let top = ticks.last().copied().unwrap_or(1.0);
        for tick in ticks {
            let y = floor - tick * height / top;
            let class = if tick > 0.0 { "grid" } else { "axis" };
            let _ = write!(
                self.svg,
                "<path class=\"{class}\" d=\"M{left} {y:.1}H{right}\"/><text class=\"value\" x=\"{}\" y=\"{:.1}\">{}</text>",
                left - 6.0,
                y + 4.0,
                short(tick)
            );
        }
        top
    }

    /// Bands over the times left out.
    fn breaks(&mut self) {
        let width = BREAK_BINS as f64 * self.slot;
        let stretches = self.stretches();
        for pair in stretches.windows(2) {
            let [(_, before), (x, after)] = pair else { continue };
            let x = x - width;
            let time = after.start - before.start - before.bins.len() as i64 * self.times.width;
            let words = duration(TimeDelta::seconds(time));
            let _ = write!(self.svg, "<g class=\"break\"><title>{words} without an outcome</title>");
            for (top, floor) in
                [(HEADER_HEIGHT, self.rate_floor()), (self.sum_floor() - self.frame.sum, self.sum_floor())]
            {
                let _ = write!(
                    self.svg,
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                    floor - top
                );
            }
            if width >= 12.0 {
                let (x, y) = (x + width / 2.0 + 4.0, HEADER_HEIGHT + self.frame.rate / 2.0);
                let _ =
                    write!(self.svg, "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\">{words} later</text>");
            }
            self.svg.push_str("</g>");
        }
    }

    /// Times below the bars, with the date where it changes.
    fn labels(&mut self) {
        let labels = self.labelled();
        let is_whole = |(_, time): &(f64, i64)| self.local(*time).second() == 0;
        let form = if labels.iter().all(is_whole) { "%H:%M" } else { "%H:%M:%S" };
        let floor = self.sum_floor();
        let mut day: Option<NaiveDate> = None;
        for (x, time) in labels {
            let (local, centre) = (self.local(time), self.centre(x));
            let _ = write!(self.svg, "<path class=\"axis\" d=\"M{x:.1} {floor:.1}v4\"/>");
            let mut line = floor + 19.0;
            let mut write_line = |form: &str| {
                let text = local.format(form);
                let _ = write!(self.svg, "<text class=\"at\" x=\"{centre:.1}\" y=\"{line:.1}\">{text}</text>");
                line += 14.0;
            };
            if self.times.width < 86_400 {
                write_line(form);
            }
            let date = local.date_naive();
            match day {
                Some(day) if day == date => {}
                Some(day) if day.year() == date.year() => write_line("%-d %b"),
                _ => write_line("%-d %b %Y"),
            }
            day = Some(date);
        }
    }

    /// The positions and times of labels: the start of each stretch, and round times between if there is space.
    fn labelled(&self) -> Vec<(f64, i64)> {
        let step = self.step();
        let begins = self.stretches().into_iter().map(|(x, stretch)| (x, stretch.start));
        let round =
            self.bins().into_iter().map(|(x, time, _)| (x, time)).filter(|(_, time)| self.is_round(*time, step));
        let mut placed: Vec<(f64, i64)> = Vec::new();
        for (x, time) in begins.chain(round) {
            if placed.iter().all(|(other, _)| (self.centre(x) - self.centre(*other)).abs() >= LABEL_WIDTH) {
                placed.push((x, time));
            }
        }
        placed.sort_by_key(|(_, time)| *time);
        placed
    }

    /// The centre of a label, moved so that it is not cut off.
    fn centre(&self, x: f64) -> f64 {
        x.clamp(LABEL_WIDTH / 2.0, self.frame.width - LABEL_WIDTH / 2.0)
    }

    /// The shortest step at which labels do not overlap.
    fn step(&self) -> i64 {
        let pixels = |step: i64| step as f64 / self.times.width as f64 * self.slot;
        let fits = |step: &i64| step % self.times.width == 0 && pixels(*step) >= LABEL_WIDTH;
        LABEL_STEPS_SECONDS.into_iter().find(fits).unwrap_or(i64::MAX)
    }

    fn is_round(&self, time: i64, step: i64) -> bool {
        let offset = i64::from(self.local(time).offset().fix().local_minus_utc());
        (time + offset) % step == 0
    }
}
