//! doorward. 
fn main(){}
