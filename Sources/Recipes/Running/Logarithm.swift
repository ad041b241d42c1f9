import Glibc

/// The natural logarithm.
func logarithm(_ x: Double) -> Double { Glibc.log(x) }
