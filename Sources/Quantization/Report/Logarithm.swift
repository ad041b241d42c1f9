import Glibc

extension Double {
  var logarithm10: Double { log10(self) }
  func power(_ exponent: Double) -> Double { pow(self, exponent) }
}
