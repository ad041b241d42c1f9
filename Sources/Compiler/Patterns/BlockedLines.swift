import Graphs
import Operators
import Tensors

// How BlockedWalk takes images of one spatial axis: as those of one row.
extension BlockedWalk {
  /// A pooling's window over two axes; nil for one over three.
  func planar(_ window: Window) -> Window? {
    switch window.kernel.count {
    case 1: planarLine(window)
    case 2: window
    default: nil
    }
  }

  /// A window over one axis as one over two.
  func planarLine(_ window: Window) -> Window {
    func two(_ list: [Int], _ first: Int) -> [Int] { list.isEmpty ? [] : [first] + list }
    return Window(
      kernel: two(window.kernel, 1), strides: two(window.strides, 1),
      dilations: two(window.dilations, 1), padsBegin: two(window.padsBegin, 0),
      padsEnd: two(window.padsEnd, 0), autoPad: window.autoPad, ceilMode: window.ceilMode)
  }

  /// A convolution's weights, `value`, over two axes; of three, the first of which has one tap.
  func planar(_ weights: ValueID, _ value: Tensor) throws(EngineError) -> ValueID {
    let s = value.shape
    if s.rank == 5 {
      return g.addConstant(try value.reshaped([s[0], s[1], s[3], s[4]]))
    }
    guard s.rank == 3 else { return weights }
    return g.addConstant(try value.reshaped([s[0], s[1], 1, s[2]]))
  }
}
