import CKernels

extension BytePanels {
  /// What it is called in traces.
  var label: String {
    let kind = isDepthwise ? "depthwise" : isMerged ? "first" : isGrouped ? "groups" : "direct"
    let p = panels.first
    return "byte conv \(kind) \(isa) "
      + (isDepthwise ? "\(4 * (p?.lanes ?? 0))" : "6x\((p?.vectors ?? 0) * (p?.lanes ?? 0))")
  }

  /// Computes some outputs of one panel; memory as `dl_byte_conv_u8s8__scalar` has it.
  func call(
    _ c: UnsafePointer<dl_byte_conv>, _ panel: UnsafePointer<dl_byte_panel>,
    _ task: ByteConvWork.Task, _ border: UnsafePointer<UInt8>, _ z: UnsafePointer<UInt8>?,
    _ y: UnsafeMutablePointer<UInt8>?
  ) {
    let from = task.x + panels[task.panel].channel
    switch (isDepthwise, isa) {
    #if arch(x86_64)
      case (false, .avx512vnni):
        dl_byte_conv_u8s8__avx512vnni(
          c, panel, from, border, z, y, task.first, task.count, task.table)
      case (false, .avx512):
        dl_byte_conv_u8s8__avx512(c, panel, from, border, z, y, task.first, task.count, task.table)
      case (false, .avx2):
        dl_byte_conv_u8s8__avx2(c, panel, from, border, z, y, task.first, task.count, task.table)
      case (true, .avx512vnni):
        if panels[task.panel].lanes == 8 {
          dl_byte_depthwise_u8s8__avx512vnni_half(
            c, panel, from, border, z, y, task.first, task.count, task.table)
        } else {
          dl_byte_depthwise_u8s8__avx512vnni(
            c, panel, from, border, z, y, task.first, task.count, task.table)
        }
      case (true, .avx512):
        if panels[task.panel].lanes == 8 {
          dl_byte_depthwise_u8s8__avx2(
            c, panel, from, border, z, y, task.first, task.count, task.table)
        } else {
          dl_byte_depthwise_u8s8__avx512(
            c, panel, from, border, z, y, task.first, task.count, task.table)
        }
      case (true, .avx2):
        dl_byte_depthwise_u8s8__avx2(
          c, panel, from, border, z, y, task.first, task.count, task.table)
    #endif
    case (false, _):
      dl_byte_conv_u8s8__scalar(c, panel, from, border, z, y, task.first, task.count, task.table)
    case (true, _):
      dl_byte_depthwise_u8s8__scalar(
        c, panel, from, border, z, y, task.first, task.count, task.table)
    }
  }
}
