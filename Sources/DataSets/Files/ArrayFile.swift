import Formats
import Tensors

/// Samples from `.npz` and `.npy` files, views of the mapped file where it lies plain.
public enum ArrayFile {
  /// Names that targets go by, the first found counting; otherwise the last array.
  public static let targetNames = ["y", "target", "targets", "label", "labels", "digit", "class"]

  /// Inputs and targets of an archive.
  ///
  /// - `target`: the targets' name; by default one of `targetNames`, or the last array.
  /// - Errors: those of reading; `.usage` for a name that is not there; `.shape` where arrays
  /// differ   in the number of samples; `.malformed` for an archive of fewer than two arrays.
  public static func read(
    _ path: String, target: String? = nil
  ) throws(EngineError) -> (inputs: [(name: String, value: Tensor)], target: Tensor, name: String) {
    let arrays = try NPZ.read(path)
    let names = arrays.map(\.name)
    guard arrays.count >= 2 else {
      throw EngineError(
        .malformed, "the archive lacks inputs or targets", expected: "two arrays or more",
        received: names.joined(separator: ", "), subject: .init(file: path))
    }
    let wanted =
      target ?? targetNames.first { n in names.contains { $0.lowercased() == n } }
      ?? names[names.count - 1]
    guard let place = names.firstIndex(where: { $0.lowercased() == wanted.lowercased() }) else {
      throw EngineError(
        .usage, "there is no array '\(wanted)'", expected: names.joined(separator: ", "),
        subject: .init(file: path))
    }
    let inputs = arrays.enumerated().filter { $0.offset != place }.map(\.element)
    do throws(EngineError) {
      _ = try ArrayData(inputs.map(\.value), [arrays[place].value])
    } catch { throw error.at(file: path) }
    return (inputs, arrays[place].value, names[place])
  }
}
