//! The tables that are printed.

use upf_common::forward::tables::Way;

use super::frames::INNER;
use super::product::{Levels, Size};
use super::statistics::Samples;

/// What was measured of one direction.
#[derive(Clone, Debug)]
pub struct Line {
    sessions: u32,
    levels: Levels,
    way: Way,
    /// Wrapper and user plane.
    pub product: Samples,
    /// The same without the sessions' URRs, measured in turn; of lines with URRs only.
    pub without: Samples,
    /// Wrapper and empty program.
    pub floor: Samples,
    /// Wrapper and routing alone.
    pub route: Samples,
    /// The empty program alone.
    pub empty: Samples,
}

impl Line {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(sessions: u32, levels: Levels, way: Way) -> Self {
        Self {
            sessions,
            levels,
            way,
            product: Samples::default(),
            without: Samples::default(),
            floor: Samples::default(),
            route: Samples::default(),
            empty: Samples::default(),
        }
    }

    /// What the URR adds, and the net time with it over that without.
    fn urr_cells(&self) -> String {
        let net = |samples: &Samples| samples.median() - self.floor.median();
        format!(
            "{:>+8.1} {:>+8.1} {:>9.3}",
            self.product.median() - self.without.median(),
            self.product.minimum() - self.without.minimum(),
            net(&self.product) / net(&self.without),
        )
    }

    fn cells(&self) -> String {
        let net = self.product.median() - self.floor.median();
        let route = self.route.median() - self.floor.median();
        format!(
            "{net:>8.1} {:>8.1} {:>9.2} {:>9.2}",
            self.product.minimum() - self.floor.minimum(),
            net / self.empty.median(),
            net / route,
        )
    }
}

/// All figures.
#[derive(Debug)]
pub struct Report {
    runs: u32,
    packets: u32,
    size: Option<Size>,
    lines: Vec<Line>,
}

impl Report {
    /// No figures yet.
    #[must_use]
    pub const fn new(runs: u32, packets: u32) -> Self {
        Self {
            runs,
            packets,
            size: None,
            lines: Vec::new(),
        }
    }

    /// Takes the program's size, which is the same for all sizes of its tables.
    pub fn program(&mut self, size: Size) {
        self.size = Some(size);
    }

    /// Takes a line.
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Prints all.
    pub fn print(&self) {
        if let Some(size) = self.size {
            print_size(size);
        }
        println!(
            "\n{INNER}-byte inner packets, a random session each; {} runs of {} packets, one CPU, its CPU time",
            self.runs, self.packets
        );
        self.print_references();
        for levels in Levels::ALL {
            self.print_net(levels);
        }
        self.print_urrs();
        println!(
            "\n   net     over the same wrapper in front of an empty program\n   \
             x empty net time over that of an empty program without the wrapper, measured in turn with it\n   \
             x route net time over the net time of a program that looks up a route, writes MAC addresses and redirects\n   \
             ratio   net time with a URR over that without, measured in turn with it"
        );
    }

    fn print_references(&self) {
        println!("\n   {:<44}{:>8} {:>8}", "ns a packet", "median", "min");
        let lines = || self.lines.iter();
        let empty = Samples::all(lines().map(|line| &line.empty));
        print_reference("empty program", &empty);
        for (way, name) in [(Way::Uplink, "uplink"), (Way::Downlink, "downlink")] {
            let of_way = || lines().filter(move |line| line.way == way);
            let floor = Samples::all(of_way().map(|line| &line.floor));
            let route = Samples::all(of_way().map(|line| &line.route));
            print_reference(&format!("wrapper and empty program, {name}"), &floor);
            print_reference(&format!("wrapper and routing alone, {name}"), &route);
        }
    }

    fn print_net(&self, levels: Levels) {
        let columns = format!(
            "{:>8} {:>8} {:>9} {:>9}",
            "net ns", "min", "x empty", "x route"
        );
        println!("\n   {:<26}{:<26}downlink", levels.name(), "uplink");
        println!("   {:>10}  {columns}   {columns}", "sessions");
        let uplinks = self.of(levels, Way::Uplink);
        for (uplink, downlink) in uplinks.zip(self.of(levels, Way::Downlink)) {
            println!(
                "   {:>10}  {}   {}",
                uplink.sessions,
                uplink.cells(),
                downlink.cells()
            );
        }
    }

    fn print_urrs(&self) {
        let columns = format!("{:>8} {:>8} {:>9}", "ns", "min", "ratio");
        println!(
            "\n   {:<34}{:<26}downlink",
            "one URR, over without", "uplink"
        );
        println!("   {:>10}  {columns}   {columns}", "sessions");
        let uplinks = self.of(Levels::Urr, Way::Uplink);
        for (uplink, downlink) in uplinks.zip(self.of(Levels::Urr, Way::Downlink)) {
            println!(
                "   {:>10}  {}   {}",
                uplink.sessions,
                uplink.urr_cells(),
                downlink.urr_cells()
            );
        }
    }

    fn of(&self, levels: Levels, way: Way) -> impl Iterator<Item = &Line> {
        self.lines
            .iter()
            .filter(move |line| line.levels == levels && line.way == way)
    }
}

fn print_size(size: Size) {
    let number = |value: Option<u32>| value.map_or("unknown".to_owned(), |value| value.to_string());
    println!(
        "XDP program: the verifier goes through {} instructions; {} bytes translated, {} bytes jitted",
        number(size.verified_instructions),
        number(size.translated_bytes),
        size.jitted_bytes
    );
}

fn print_reference(name: &str, samples: &Samples) {
    println!(
        "   {name:<44}{:>8.1} {:>8.1}",
        samples.median(),
        samples.minimum()
    );
}
