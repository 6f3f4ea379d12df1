//! Outcomes over time: above, how fast, stacked by outcome; below, added up, beside the number of all recipients.
//!
//! Times in which nothing happened are left out; a band says how long they were.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, Timelike};
use chrono_tz::Tz;

use crate::statistics::plot::words;
use crate::statistics::scale::{duration, grouped, rate_unit, short, ticks};
use crate::statistics::timeline::{BREAK, Stretch, Times, seconds};
use crate::statistics::{Outcome, Tally};

/// How large a plot is, in pixels.
#[derive(Debug, Clone, Copy)]
pub(in crate::statistics) struct Frame {
    width: f64,
    left: f64,
    /// Heights of the two parts.
    rate: f64,
    sum: f64,
}

/// For a desktop, and for a phone.
pub(in crate::statistics) const WIDE: Frame = Frame { width: 720.0, left: 56.0, rate: 170.0, sum: 120.0 };
pub(in crate::statistics) const NARROW: Frame = Frame { width: 340.0, left: 44.0, rate: 150.0, sum: 110.0 };

const RIGHT: f64 = 14.0;
/// Above each part, for its name.
const HEAD: f64 = 26.0;
/// Between the parts, and below them for the times.
const BETWEEN: f64 = 14.0;
const FOOT: f64 = 39.0;
/// A bin is never wider.
const WIDEST_BIN: f64 = 48.0;
/// What happened at all is at least so high.
const LOWEST: f64 = 2.0;
/// A day with its year is not wider.
const LABEL: f64 = 70.0;

/// From one labelled time to the next, in seconds.
const STEPS: [i64; 18] = [
    1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_419_200,
    31_536_000,
];

/// The plot of a mailing to so many recipients; `name` tells its parts from those of other plots on the page.
pub(in crate::statistics) fn plot(times: &Times, expected: u64, zone: Tz, frame: Frame, name: &str) -> String {
    let bins: usize = times.stretches.iter().map(|stretch| stretch.bins.len()).sum();
    let slots = bins + BREAK * (times.stretches.len() - 1);
    let slot = ((frame.width - frame.left - RIGHT) / slots as f64).min(WIDEST_BIN);
    let mut plot = Plot { times, expected, zone, frame, slot, svg: String::new() };
    let (width, height) = (frame.width, plot.sum_floor() + FOOT);
    let _ = write!(
        plot.svg,
        "<svg class=\"time\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-desc\"><title id=\"{name}-title\">Over time</title>\
         <desc id=\"{name}-desc\">{}</desc>",
        plot.described()
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
    /// Pixels of a bin.
    slot: f64,
    svg: String,
}

impl<'a> Plot<'a> {
    fn rate_floor(&self) -> f64 {
        HEAD + self.frame.rate
    }

    fn sum_floor(&self) -> f64 {
        self.rate_floor() + BETWEEN + HEAD + self.frame.sum
    }

    fn right(&self) -> f64 {
        self.frame.width - RIGHT
    }

    fn local(&self, time: i64) -> DateTime<Tz> {
        seconds(time).with_timezone(&self.zone)
    }

    /// Each stretch with the place of its left edge.
    fn stretches(&self) -> Vec<(f64, &'a Stretch)> {
        let mut x = self.frame.left;
        let mut placed = Vec::new();
        for stretch in &self.times.stretches {
            placed.push((x, stretch));
            x += (stretch.bins.len() + BREAK) as f64 * self.slot;
        }
        placed
    }

    /// Each bin with the place of its left edge and its time.
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

    fn described(&self) -> String {
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
        let most = self.times.stretches.iter().flat_map(|stretch| &stretch.bins).map(Tally::total).max().unwrap_or(0);
        let (unit, word) = rate_unit(most as f64 / self.times.width as f64);
        let per_unit = unit / self.times.width as f64;
        let top = self.axis(
            self.rate_floor(),
            self.frame.rate,
            &format!("Recipients a {word}"),
            most as f64 * per_unit,
            false,
        );
        let floor = self.rate_floor();
        let gap = if self.slot > 5.0 { 1.0 } else { 0.0 };
        for (x, time, tally) in self.bins() {
            if tally.total() == 0 {
                continue;
            }
            let _ =
                write!(self.svg, "<g><title>{}: {}</title>", self.local(time).format("%-d %b %H:%M:%S"), words(tally));
            let mut y = floor;
            for (outcome, count) in tally.occurring() {
                let height =
                    (count as f64 * per_unit * self.frame.rate / top).max(LOWEST).min(y - floor + self.frame.rate);
                y -= height;
                let _ = write!(
                    self.svg,
                    "<rect class=\"{}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                    outcome.word(),
                    x,
                    self.slot - gap
                );
            }
            self.svg.push_str("</g>");
        }
    }

    /// The lower part: lines.
    fn sums(&mut self) {
        let (floor, height) = (self.sum_floor(), self.frame.sum);
        let top = self.axis(floor, height, "Recipients in all", self.expected as f64, true);
        let place = |count: u64| floor - count as f64 * height / top;
        let all = place(self.expected);
        let _ =
            write!(self.svg, "<path class=\"expected\" d=\"M{:.1} {all:.1}H{:.1}\"/>", self.frame.left, self.right());
        self.sum("sum-sent", place, |tally| tally.of(Outcome::Sent));
        self.sum("sum-rest", place, Tally::undelivered);
    }

    /// A line through what `count` adds up to.
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

    /// Name, ticks and lines of a part that reaches from `floor` so high; gives the value at its top.
    fn axis(&mut self, floor: f64, height: f64, name: &str, most: f64, whole: bool) -> f64 {
        let (left, right) = (self.frame.left, self.right());
        let _ = write!(self.svg, "<text class=\"name\" x=\"0\" y=\"{:.1}\">{name}</text>", floor - height - 11.0);
        let ticks = ticks(most, whole);
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

    /// Bands over the times that are left out.
    fn breaks(&mut self) {
        let width = BREAK as f64 * self.slot;
        let stretches = self.stretches();
        for pair in stretches.windows(2) {
            let [(_, before), (x, after)] = pair else { continue };
            let x = x - width;
            let time = after.start - before.start - before.bins.len() as i64 * self.times.width;
            let words = duration(TimeDelta::seconds(time));
            let _ = write!(self.svg, "<g class=\"break\"><title>{words} without an outcome</title>");
            for (top, floor) in [(HEAD, self.rate_floor()), (self.sum_floor() - self.frame.sum, self.sum_floor())] {
                let _ = write!(
                    self.svg,
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                    floor - top
                );
            }
            if width >= 12.0 {
                let (x, y) = (x + width / 2.0 + 4.0, HEAD + self.frame.rate / 2.0);
                let _ =
                    write!(self.svg, "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\">{words} later</text>");
            }
            self.svg.push_str("</g>");
        }
    }

    /// Times below the bars; the day where it is another one.
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
            let mut say = |form: &str| {
                let said = local.format(form);
                let _ = write!(self.svg, "<text class=\"at\" x=\"{centre:.1}\" y=\"{line:.1}\">{said}</text>");
                line += 14.0;
            };
            if self.times.width < 86_400 {
                say(form);
            }
            let date = local.date_naive();
            match day {
                Some(day) if day == date => {}
                Some(day) if day.year() == date.year() => say("%-d %b"),
                _ => say("%-d %b %Y"),
            }
            day = Some(date);
        }
    }

    /// The places and times that have labels: where a stretch begins, and round times between, where there is room.
    fn labelled(&self) -> Vec<(f64, i64)> {
        let step = self.step();
        let begins = self.stretches().into_iter().map(|(x, stretch)| (x, stretch.start));
        let round =
            self.bins().into_iter().map(|(x, time, _)| (x, time)).filter(|(_, time)| self.is_round(*time, step));
        let mut placed: Vec<(f64, i64)> = Vec::new();
        for (x, time) in begins.chain(round) {
            if placed.iter().all(|(other, _)| (self.centre(x) - self.centre(*other)).abs() >= LABEL) {
                placed.push((x, time));
            }
        }
        placed.sort_by_key(|(_, time)| *time);
        placed
    }

    /// Where the middle of a label is, so that no end of it is cut off.
    fn centre(&self, x: f64) -> f64 {
        x.clamp(LABEL / 2.0, self.frame.width - LABEL / 2.0)
    }

    /// The shortest step whose labels do not touch.
    fn step(&self) -> i64 {
        let pixels = |step: i64| step as f64 / self.times.width as f64 * self.slot;
        let fits = |step: &i64| step % self.times.width == 0 && pixels(*step) >= LABEL;
        STEPS.into_iter().find(fits).unwrap_or(i64::MAX)
    }

    fn is_round(&self, time: i64, step: i64) -> bool {
        let offset = i64::from(self.local(time).offset().fix().local_minus_utc());
        (time + offset) % step == 0
    }
}
