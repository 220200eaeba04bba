// SPDX-License-Identifier: GPL-3.0-or-later

// The speed and memory of counting: what `Benchmarks/pagetables/run.sh` builds and runs. The naive
// twin beside this file is the tests' own, by symlinks. `--smoke` measures a few rounds.

import BenchmarkSupport
import Foundation
import PageTables
import Quantities

/// The resident set in bytes, from /proc/self/statm.
func residentBytes() -> Int {
  let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
  let fields = text.split(separator: " ").compactMap { Int($0) }
  return fields.count > 1 ? fields[1] * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}

func microseconds(_ seconds: Double) -> String { String(format: "%.1f us", seconds * 1e6) }

/// A number of rounds, or at most three in the smallest size.
func rounds(_ count: Int) -> Int { isSmoke ? min(count, 3) : count }

/// The middle one of sorted times.
func median(_ times: [Double]) -> Double { times[times.count / 2] }

func setting(_ release: KernelRelease, _ bits: Int) throws -> (StageTwoGeometry, StageTwoRules) {
  let features = CPUFeatures(forcedWriteBack: true, rangeTLBI: true, largeAddresses: bits > 48)
  return (
    try StageTwoGeometry(granule: .size4K, ipaBits: bits),
    try StageTwoRules(release, features)
  )
}

/// 256 GiB of 4K pages in 2 MiB chunks: cold, then warm.
func countUnmap() throws {
  var (geometry, rules) = try setting(KernelRelease(major: 6, minor: 12), 40)
  rules.chunk = .smallestBlock
  let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .gibibytes(256))
  let before = residentBytes()
  var tables = StageTwo(geometry: geometry)
  var chunks: Int64 = 0
  var visits: Int64 = 0
  func count() throws {
    var copy = tables
    let sequence = try copy.unmap(range, rules)
    chunks = sequence.chunkCount
    visits = sequence.total.unmapVisits
  }
  let cold = try seconds {
    try tables.map(range, level: 3)
    try count()
  }
  let warm = try seconds(rounds: rounds(2_001), count)
  let grown = Double(residentBytes() - before) / 1_048_576
  require(chunks == 131_072, "\(chunks) chunks")
  require(visits == 67_108_864 + 131_072 + 131_072, "\(visits) visits of pages and tables")
  report("256 GiB of pages, 131,072 chunks, cold", microseconds(cold), "5000 us", cold < 5e-3)
  report(
    "256 GiB of pages, warm, median of \(warm.count) (least \(microseconds(warm[0])))",
    microseconds(median(warm)),
    "50 us",
    median(warm) < 50e-6
  )
  report("memory added", String(format: "%.1f MiB", grown), "20 MiB", grown < 20)
  try compareWithTwin(geometry, rules, median(warm))
}

/// The twin on one GiB, or on 64 MiB in the smallest size: the same counts, and its time times the
/// rest of 256 GiB.
func compareWithTwin(
  _ geometry: StageTwoGeometry,
  _ rules: StageTwoRules,
  _ fast: Double
) throws {
  let low = Int64(1) << 30
  let size = isSmoke ? ByteCount.mebibytes(64) : .gibibytes(1)
  let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: size)
  let high = low + size.rawValue
  let twins = (0..<3).map { _ in
    let twin = NaiveTwin(geometry: geometry)
    twin.map(low, high, level: 3)
    return twin
  }
  var slow = EventCounts()
  var next = 0
  let times = try seconds(rounds: 3) {
    slow = try twins[next].unmap(low, high, rules).reduce(.zero) { $0 + $1.counts }
    next += 1
  }
  var tables = StageTwo(geometry: geometry)
  try tables.map(range, level: 3)
  var counted = try tables.unmap(range, rules).total
  // What the twin does not count: breaks between chunks, and scales that an encoding leaves out.
  counted.breakPoints = 0
  counted.scalesSkipped = 0
  require(counted == slow, "over \(size): \(counted), by the naive twin \(slow)")
  let times256 = median(times) * Double(ByteCount.gibibytes(256).rawValue / size.rawValue)
  print(
    String(
      format: "        the naive twin, \(size): %.1f ms; over 256 GiB %.0f times as slow",
      median(times) * 1e3,
      times256 / fast
    )
  )
}

/// Destroy over a 52-bit space with 4K pages, 64 GiB of it mapped: 4 million walks.
func countDestroy() throws {
  let (geometry, rules) = try setting(KernelRelease(major: 7, minor: 3), 52)
  var tables = StageTwo(geometry: geometry)
  try tables.map(
    AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(64)),
    level: 3
  )
  var walks: Int64 = 0
  let times = seconds(rounds: rounds(501)) {
    var copy = tables
    walks = copy.destroy(rules).total.destroyRangeCalls
  }
  require(walks == 4_194_304, "\(walks) walks of a destroy over 52 bits")
  report(
    "destroy over 52 bits, 4,194,304 walks, median of \(times.count)",
    microseconds(median(times)),
    "1000 us",
    median(times) < 1e-3
  )
}

/// CLEAR of 256 GiB of blocks, word by word, each block split eagerly.
func countClear() throws {
  let (geometry, rules) = try setting(KernelRelease(major: 6, minor: 12), 40)
  let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .gibibytes(256))
  var tables = StageTwo(geometry: geometry)
  try tables.map(range, level: 2)
  let all = DirtyPages(0..<range.size.divided(roundedDownBy: .kibibytes(4)))
  var words: Int64 = 0
  let times = try seconds(rounds: rounds(5)) {
    var copy = tables
    var plan: SplitPlan? = try SplitPlan(
      chunk: .mebibytes(2),
      granule: .size4K,
      release: rules.release
    )
    words = try copy.harvest(all, of: range, rules, plan: &plan).total.wrprotectCalls
  }
  require(words == 1_048_576, "\(words) words of a CLEAR of 256 GiB")
  print("        CLEAR of 256 GiB with splits, 1,048,576 words: \(microseconds(median(times)))")
}

/// 256 GiB of 4K pages in chunks that end on work: the shortest, and one in no step with tables.
func countVisits() throws {
  var (geometry, rules) = try setting(KernelRelease(major: 6, minor: 12), 40)
  let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .gibibytes(256))
  var tables = StageTwo(geometry: geometry)
  try tables.map(range, level: 3)
  for visits in [64, 1_000] {
    rules.chunk = .visits(visits)
    var chunks: Int64 = 0
    var leaves: Int64 = 0
    let times = try seconds(rounds: rounds(5)) {
      var copy = tables
      let sequence = try copy.unmap(range, rules)
      chunks = sequence.chunkCount
      leaves = sequence.total.leavesCleared
    }
    require(leaves == 67_108_864, "\(leaves) pages cleared in chunks of \(visits) visits")
    report(
      "256 GiB of pages, \(chunks) chunks of \(visits) visits, median of \(times.count)",
      microseconds(median(times)),
      "200000 us",
      median(times) < 0.2
    )
  }
}

try countUnmap()
try countVisits()
try countClear()
try countDestroy()
