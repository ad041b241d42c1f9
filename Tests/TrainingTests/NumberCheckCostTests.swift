import Glibc
import Tensors
import Testing
import Training

/// What it costs to notice a NaN or an infinity in loss or gradients: eager steps with
/// `checkedValueAndGradient` beside those with `valueAndGradient`. Prints figures, asserts none: run in a
/// release build, with `DLRUN_MEASURE=1` in the environment.
@Suite(.enabled(if: getenv("DLRUN_MEASURE") != nil)) struct NumberCheckCostTests {
  private final class Net: Module {
    let weights: [Parameter]
    init(_ sizes: [Int]) throws {
      weights = try (1..<sizes.count).map {
        Parameter(try .glorotUniform([sizes[$0 - 1], sizes[$0]]))
      }
    }
  }

  private func seconds() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  @Test(arguments: [([32, 64, 64, 2], 32), ([784, 128, 10], 128), ([784, 512, 512, 10], 128)])
  func cost(_ sizes: [Int], _ batch: Int) throws {
    let net = try Net(sizes)
    let optimizer = try Optimizer(net, .torch.adam())
    let x = try Tensor.normal([batch, sizes[0]])
    let y = try Tensor.randomIntegers([batch], from: 0, to: sizes[sizes.count - 1])
    func loss(_ net: Net) throws -> Tensor {
      var h = x
      for (i, w) in net.weights.enumerated() {
        h = try h.matmul(w.value)
        if i + 1 < net.weights.count { h = try h.relu() }
      }
      return try Loss.crossEntropy(h, y)
    }
    var (plain, checked, quotients): ([Double], [Double], [Double]) = ([], [], [])
    for round in 0..<60 {
      var taken = [0.0, 0.0]
      for k in [round % 2, (round + 1) % 2] {
        let start = seconds()
        for _ in 0..<20 {
          let g =
            try k == 0
            ? valueAndGradient(of: net, loss).gradients
            : checkedValueAndGradient(of: net, loss).gradients
          try optimizer.update(g)
        }
        taken[k] = seconds() - start
      }
      plain.append(taken[0])
      checked.append(taken[1])
      quotients.append(taken[1] / taken[0])
    }
    func low(_ list: [Double]) -> Double { list.sorted()[list.count / 10] / 20 * 1e6 }
    let percent = (quotients.sorted()[quotients.count / 2] - 1) * 100
    print(
      "\(sizes), batch \(batch): \(low(plain)) us a step, checked \(low(checked)): \(percent) %")
  }
}
