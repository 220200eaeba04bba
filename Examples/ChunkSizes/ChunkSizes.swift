// SPDX-License-Identifier: GPL-3.0-or-later

// Counts the unmap of 256 GiB of 4K pages for several chunk sizes with the library alone.

import PageTables
import Quantities

@main
enum ChunkSizes {
  static func main() throws {
    let geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 48)
    let memory = AddressRange(start: GuestAddress(rawValue: 0x4000_0000), size: .gibibytes(256))
    var mapped = StageTwo(geometry: geometry)
    try mapped.map(memory, level: 3)

    let release = KernelRelease(major: 6, minor: 12)
    var rules = try StageTwoRules(
      release,
      CPUFeatures(forcedWriteBack: true, rangeTLBI: true)
    )
    for size in [ByteCount.gibibytes(1), .mebibytes(64), .mebibytes(2), .kibibytes(64)] {
      rules.chunk = .fixed(size)
      var tables = mapped
      let sequence = try tables.unmap(memory, rules)
      let counts = sequence.total
      print(
        "chunk \(size): \(sequence.chunkCount) chunks, \(counts.unmapVisits) visits,",
        "\(counts.rangeFlushes) range flushes, \(counts.ipaFlushes) IPA flushes"
      )
    }
  }
}
