import Tensors
import Training

extension Layer {
  /// Runs what learns from data; errors get the layer and the line of whoever called.
  func adapting(_ file: StaticString, _ line: UInt, _ body: () throws -> Void) throws {
    do { try body() } catch let error as EngineError {
      throw error.at(node: name, operatorName: "\(type(of: self))").atCaller(file, line)
    }
  }
}
