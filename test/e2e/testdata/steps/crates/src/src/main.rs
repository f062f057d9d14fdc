fn main() {
    println!("{}", tiny::word());
}
