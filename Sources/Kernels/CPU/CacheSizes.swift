import CKernels

/// Bytes of the data caches that one core sees; typical ones where the system does not say.
public enum CacheSizes {
  public static let level1 = size(1, typical: 32 << 10)
  public static let level2 = size(2, typical: 512 << 10)
  public static let level3 = size(3, typical: 8 << 20)

  private static func size(_ level: Int32, typical: Int) -> Int {
    let bytes = Int(dl_cpu_cache_bytes(level))
    return bytes > 0 ? bytes : typical
  }
}
