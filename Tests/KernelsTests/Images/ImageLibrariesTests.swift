import Glibc
import Tensors
import Testing

@testable import Kernels

@Suite struct ImageLibrariesTests {
  private let formats = ImageFormat.allCases.filter { !$0.libraryNames.isEmpty }

  private func first(_ format: ImageFormat) throws -> ImageFile {
    try #require(
      ImageFile.all.first { f in f.bytes.withUnsafeBytes { ImageFormat(of: $0) } == format })
  }

  /// Without a library the error says what to install; what needs none still works.
  @Test func missingLibrariesAreNamed() throws {
    let reader = ImageReader(libraries: ImageLibraries { _ in nil })
    for format in formats {
      let file = try first(format)
      let e = #expect(throws: EngineError.self) {
        try ImageFile.decode(file.bytes, .rgb, reader)
      }
      #expect(e?.code == .unavailable)
      #expect(e?.code.exitStatus == 69)
      let text = e?.description ?? ""
      #expect(text.contains(format.rawValue) && text.contains(format.libraryNames[0]))
      #expect(text.contains("apt-get install \(try #require(format.debianPackage))"))
    }
    for format in [ImageFormat.bmp, .pnm] {
      #expect(throws: Never.self) { try ImageFile.decode(first(format).bytes, .rgb, reader) }
    }
  }

  /// A library without the functions, here the C library, is refused and not called.
  @Test func wrongLibrariesAreRefused() throws {
    let reader = ImageReader(libraries: ImageLibraries { _ in dlopen("libc.so.6", RTLD_NOW) })
    for format in formats {
      let e = #expect(throws: EngineError.self) {
        try ImageFile.decode(try first(format).bytes, .rgb, reader)
      }
      #expect(e?.code == .unavailable)
      #expect(e?.description.contains("its function") == true)
    }
  }

  /// The second name is tried when there is no first, and a library is looked for once.
  @Test func namesAreTriedInOrder() throws {
    final class Names: @unchecked Sendable { var list: [String] = [] }
    let names = Names()
    let libraries = ImageLibraries { name in
      names.list.append(name)
      return name == "libtiff.so.6" ? nil : dlopen("libtiff.so.6", RTLD_NOW)
    }
    let file = try first(.tiff)
    let reader = ImageReader(libraries: libraries)
    #expect(try ImageFile.decode(file.bytes, .rgb, reader).pixels == file.rgb)
    #expect(try ImageFile.decode(file.bytes, .rgb, reader).pixels == file.rgb)
    #expect(names.list == ["libtiff.so.6", "libtiff.so.5"])
  }
}
