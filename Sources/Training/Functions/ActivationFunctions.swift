import Operators
import Tensors

extension Tensor {
  /// `max(x, 0)`. The shape stays.
  public func relu(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Relu(), self, file, line) }

  /// `1 / (1 + e^-x)`. The shape stays.
  public func sigmoid(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Sigmoid(), self, file, line) }

  /// `log(1 + e^x)`. The shape stays.
  public func softplus(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Softplus(), self, file, line) }

  /// `x / (1 + |x|)`. The shape stays.
  public func softsign(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Softsign(), self, file, line) }

  /// `x tanh(softplus(x))`. The shape stays.
  public func mish(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Mish(), self, file, line) }

  /// Scaled exponential linear unit. The shape stays.
  public func selu(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Selu(), self, file, line) }

  /// `x min(1, max(0, x / 6 + 1/2))`. The shape stays.
  public func hardSwish(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(HardSwish(), self, file, line) }

  /// `x sigmoid(x)`, also called swish. The shape stays.
  public func silu(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Swish(), self, file, line) }
}
