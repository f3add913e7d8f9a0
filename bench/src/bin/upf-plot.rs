//! Writes the plot of docs/bandwidth.md to standard output.

fn main() {
    print!("{}", bench::plot::svg());
}
