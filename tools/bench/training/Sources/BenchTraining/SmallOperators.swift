import DLTrain

/// Nanoseconds of an operator on one element: recorded, and recorded and walked back.
func smallOperators(_ count: Int) throws -> (recorded: Double, whole: Double) {
  let x = try Tensor([1.5 as Float])
  let one = try Tensor([0.999 as Float])
  var (recorded, whole) = (Double.infinity, Double.infinity)
  for _ in 0..<9 {
    let start = Clock.processor()
    var forward = start
    _ = try gradient(at: x) { x in
      var y = x
      for _ in 0..<count { y = try y * one }
      forward = Clock.processor()
      return try y.sum()
    }
    recorded = min(recorded, Double(forward - start) / Double(count))
    whole = min(whole, Double(Clock.processor() - start) / Double(count))
  }
  return (recorded, whole)
}
