import Graphs
import Operators
import Tensors

extension KernelCase {
  /// Products of 8-bit codes, results in float32 and in codes, and with weights of 4 and 8 bits in
  /// blocks of 32.
  static let byteProducts: [KernelCase] = {
    var list: [KernelCase] = []
    let sizes: [(m: Int, k: Int, n: Int)] = [
      (1, 384, 384), (1, 768, 768), (1, 1536, 1536), (4, 768, 768), (128, 384, 384),
      (128, 384, 1536), (128, 1536, 384), (128, 768, 3072), (1024, 1024, 1024), (3136, 64, 64),
    ]
    let (one, code) = (Input.weight([]), Input.weight([], .uint8))
    for s in sizes {
      let title = "\(s.m)x\(s.k) by \(s.k)x\(s.n)"
      let factors: [Input] = [
        .data([s.m, s.k], .uint8), one, code, .weight([s.k, s.n], .int8), .weight([s.n]),
      ]
      list.append(KernelCase("product of bytes", title, QuantizedLinear(), factors))
      let codes: [Input] =
        [.none, .weight([s.n])] + Array(repeating: .none, count: 3) + [one, code, one, code]
      list.append(
        KernelCase(
          "product of bytes", title + ", bias, codes", QuantizedLinear(), factors + codes))
    }
    for bits in [4, 8] {
      for (m, k, n) in [(1, 384, 1536), (1, 4096, 4096), (4, 768, 768), (128, 384, 1536)] {
        for level in [0, 4] {
          list.append(
            KernelCase(
              "product of bits", "\(m)x\(k) by \(k)x\(n), \(bits) bits, level \(level)",
              MatMulNBits(bits: bits, k: k, n: n, block: 32, accuracyLevel: level),
              [
                .data([m, k]), .weight([n, k / 32, 4 * bits], .uint8), .weight([n * k / 32]),
              ]))
        }
      }
    }
    return list
  }()
}
