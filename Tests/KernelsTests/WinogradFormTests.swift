import Kernels
import Testing

/// Which convolutions go through Winograd's algorithm, and how.
@Suite struct WinogradFormTests {
  @Test func formsFollowTheRule() {
    func form(
      _ channels: Int, _ output: Int, kernel: [Int] = [3, 3], exact: Bool = false, groups: Int = 1,
      stride: Int = 1, dilation: Int = 1
    ) -> WinogradForm? {
      let input = (output - 1) * stride + 1
      let g = ConvGeometry(
        batch: 1, groups: groups, channels: channels, outputs: 64, input: [input, input],
        output: [output, output], kernel: kernel, strides: [stride, stride],
        dilations: [dilation, dilation], pads: kernel.map { $0 / 2 * dilation })
      return BlockedWinogradPlan.form(g, lanes: 8, finish: .relu, exact: exact, isa: .avx2)
    }
    #expect(form(64, 56) == .four)
    #expect(form(64, 20) == .four)
    #expect(form(64, 56, exact: true) == .two)
    #expect(form(64, 14) == .four)
    #expect(form(64, 14, exact: true) == .two)
    // Whether its weights fit the second-level cache decides.
    #expect(form(64, 7) == .four || form(64, 7) == .two)
    #expect(form(64, 7, exact: true) == .two)
    // The more the weights take, the more tiles they have to serve.
    #expect(form(2048, 7) == .two)
    #expect(form(64, 2) == nil)
    #expect(form(16, 56) == .four)
    #expect(form(64, 56, groups: 2) == nil)
    #expect(form(64, 56, stride: 2) == .half)
    #expect(form(64, 56, kernel: [5, 5], stride: 2) == nil)
    #expect(form(64, 56, dilation: 2) == .four)
    #expect(form(64, 56, kernel: [5, 5], exact: true) == nil)
    for kernel in [[5, 5], [1, 3], [7, 1], [1, 11]] {
      #expect(form(128, 56, kernel: kernel) != nil)
    }
    #expect(form(64, 56, kernel: [1, 2]) == nil)
    #expect(form(64, 56, kernel: [1, 1]) == nil)
  }
}
