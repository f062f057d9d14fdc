use lexopt::prelude::*;

fn main() -> Result<(), lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("half") => {
                let n: f64 = parser.value()?.parse()?;
                println!("half of it is {}", ryu::Buffer::new().format(n / 2.0));
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(())
}
