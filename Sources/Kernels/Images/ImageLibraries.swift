import CImageLibraries
import Glibc
import Synchronization
import Tensors

/// The system's libraries that decode image files, each opened when it is first needed.
///
/// They are found at run time, so that neither building nor starting needs them. What is opened
/// stays open: the libraries keep state of their own. May be used from many threads.
public final class ImageLibraries: Sendable {
  /// Those that the dynamic linker finds.
  public static let system = ImageLibraries { dlopen($0, RTLD_NOW | RTLD_LOCAL) }

  private let find: @Sendable (String) -> UnsafeMutableRawPointer?
  private let opened = Mutex<[ImageFormat: ImageLibrary]>([:])

  /// `find` gives the handle of `dlopen` for a file name, or nil where there is no such library.
  public init(find: @escaping @Sendable (String) -> UnsafeMutableRawPointer?) {
    self.find = find
  }

  /// Errors: `.unavailable` naming the library and its package.
  func library(for format: ImageFormat) throws(EngineError) -> ImageLibrary {
    if let library = opened.withLock({ $0[format] }) { return library }
    for name in format.libraryNames {
      guard let handle = find(name) else { continue }
      let library = try ImageLibrary(name: name, format: format, handle: handle)
      // Whoever came second brought the same.
      opened.withLock { $0[format] = library }
      return library
    }
    throw EngineError(
      .unavailable, "\(format.rawValue) images need a library that is not installed",
      expected: format.libraryNames.joined(separator: " or "),
      hint: format.debianPackage.map { "install it, on Debian with: apt-get install \($0)" })
  }
}
