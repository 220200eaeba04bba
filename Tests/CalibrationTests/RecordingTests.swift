// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@Suite struct RecordingTests {
  private static let captures = packageRoot.appending(path: "models/facts/captures")

  private static func read(_ path: String) throws -> Recording {
    try RecordingFile.read(captures.appending(path: path).path)
  }

  private static func settings(_ path: String) throws -> [String: String] {
    Dictionary(uniqueKeysWithValues: try read(path).settings.map { ($0.key, $0.value) })
  }

  /// What is no recording of a known kind, and is refused with what it looks like.
  private static let foreign = ["README.md", "_RUNS.txt", "kprobe_events.txt"]

  @Test(
    "every capture is read, or refused with a reason",
    arguments: ["selftests", "ptdump", "trace", "net", "observed"]
  )
  func everyCapture(_ folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: Self.captures.appending(path: folder).path
    )
    #expect(!names.isEmpty)
    for name in names {
      do {
        let found = try Self.read("\(folder)/\(name)")
        #expect(!Self.foreign.contains { name.hasSuffix($0) }, "\(name)")
        let says =
          found.settings.count + found.figures.count + found.unknown.count + found.ignored.count
        #expect(says > 0, "\(name)")
        for setting in found.settings {
          #expect(LoadedSetup.hasKey(setting.key), "\(name): \(setting.key)")
        }
      } catch {
        #expect(Self.foreign.contains { name.hasSuffix($0) }, "\(name): \(error)")
        #expect("\(error)".contains("expected a KVM selftest's output"), "\(name): \(error)")
      }
    }
  }

  @Test(
    "a file sets what it says",
    arguments: [
      (
        "observed/kvm_page_table_test.log",
        ["vm.memory": "1GiB", "vm.vcpus": "1", "vm.block_share": "0", "vm.ipa_bits": "40"]
      ),
      (
        "observed/query-migrate.json",
        [
          "migration.link": "23.9614Gbit/s", "vm.memory": "64GiB",
          "migration.dirty_pages_per_second": "98304",
        ]
      ),
      (
        "observed/info-migrate.txt",
        [
          "migration.link": "23.9614Gbit/s", "vm.memory": "64GiB",
          "migration.dirty_pages_per_second": "98304",
        ]
      ),
      (
        "observed/domjobinfo.txt",
        [
          "migration.link": "23.9573Gbit/s", "vm.memory": "64GiB",
          "migration.dirty_pages_per_second": "98304",
        ]
      ),
      (
        "observed/cloud-hypervisor-v51.log",
        ["migration.link": "1.27691Gbit/s", "migration.dirty_pages_per_second": "13612"]
      ),
      (
        "observed/cloud-hypervisor-later.log",
        [
          "migration.link": "9.22747Gbit/s", "vm.memory": "8GiB",
          "migration.dirty_pages_per_second": "99063", "migration.downtime_limit": "300000us",
        ]
      ),
      ("observed/firecracker.log", [:]),
      ("observed/firecracker-metrics.json", [:]),
      ("observed/softnet_stat-11-columns.txt", ["net.reader": "same"]),
      ("observed/softnet_stat-15-columns.txt", ["net.reader": "same"]),
      ("observed/ethtool-g.txt", ["nic.ring": "1024"]),
      ("observed/ethtool-l.txt", ["nic.queues": "32"]),
      ("observed/ethtool-c.txt", ["nic.moderation": "8us"]),
      ("observed/fio.json", ["storage.queue_depth": "32"]),
      ("observed/perf-script.txt", ["unmap.range": "2MiB", "unmap.rate": "1000"]),
      ("observed/host4k.stage2", ["host.granule": "4K", "vm.ipa_bits": "44"]),
      ("ptdump/6.12.107_thp_256M.ipa_range", ["vm.ipa_bits": "40"]),
      ("net/6.12.107_max.K_iperf3_udp_R.json", ["net.datagrams": "2053", "net.datagram": "1200B"]),
    ]
  )
  func sets(_ path: String, _ expected: [String: String]) throws {
    #expect(try Self.settings(path) == expected)
  }

  @Test(
    "logs of VMMs say how often, how long, and how long the guest stood still",
    arguments: [
      // The stop: from the first list after the five passes to the end.
      ("cloud-hypervisor-v51.log", ["rounds": 7, "downtime": 101.338e6]),
      ("cloud-hypervisor-later.log", ["rounds": 5, "time": 9.6e9, "downtime": 121e6]),
      (
        "firecracker.log",
        [
          "pause vm": 541e3, "pause vm, with its request": 689e3,
          "create full snapshot": 634_817e3, "create full snapshot, with its request": 635_022e3,
          "resume vm": 207e3, "create diff snapshot": 71_844e3,
        ]
      ),
    ]
  )
  func monitors(_ name: String, _ expected: [String: Double]) throws {
    let found = try Self.read("observed/\(name)")
    let measured = found.measured.map { ($0.name, $0.value) }
    #expect(Dictionary(uniqueKeysWithValues: measured) == expected)
  }

  @Test("what a microVM's metrics say is what its log says")
  func metrics() throws {
    let metrics = try Self.read("observed/firecracker-metrics.json")
    for one in try Self.read("observed/firecracker.log").measured.prefix(4) {
      let beside = try #require(metrics.measured.first { $0.name == one.name }, "\(one.name)")
      #expect(beside.value == one.value || one.name.hasPrefix("pause vm"), "\(one.name)")
    }
  }

  @Test(
    "a VMM's log that is cut says what it cannot tell",
    arguments: [2, 8, 12, 30, 36]
  )
  func cut(_ lines: Int) throws {
    let text = try String(
      contentsOf: Self.captures.appending(path: "observed/cloud-hypervisor-v51.log"),
      encoding: .utf8
    )
    let cut = text.split(separator: "\r\n").prefix(lines).joined(separator: "\n")
    guard lines > 2 else {
      #expect(throws: LogError.self) { try RecordingFile.read(cut, named: "cut") }
      return
    }
    let found = try RecordingFile.read(cut, named: "cut")
    #expect(found.measured.isEmpty)
    #expect(found.unknown.contains { $0.hasPrefix("rounds, time and downtime") })
  }

  @Test("TAP says what the plain output says, and a skip is a reason")
  func tap() throws {
    let tap = try Self.read("observed/run_tests.log")
    #expect(
      tap.measured.contains { $0.name == "KVM_CREATE_MAPPINGS" || $0.name == "Populate memory" }
    )
    #expect(tap.figures.count >= 12)
    let skip = try Self.read("selftests/6.12.107_smp1_access_tracking_perf_test_m6_b128M_v1.txt")
    #expect(skip.measured.isEmpty && skip.unknown[0].contains("CONFIG_IDLE_PAGE_TRACKING"))
  }

  @Test("what sets a value makes a question that is answered in the file's own terms")
  func replay() throws {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    let log = try Self.read(
      "selftests/6.12.107_smp1_dirty_log_perf_test_m6_b256M_v1_sanonymous.txt"
    )
    let loaded = try LoadedSetup(
      workload: "kvm-page-table-test",
      host: "qemu-n1-6.12",
      kernel: "6.12",
      from: store,
      setting: log.settings.map { ($0.key, $0.value) }
    )
    #expect(loaded.setup.workload.memory.size == .mebibytes(256))
    let replay = RecordingReplay(
      loaded.setup,
      policy: loaded.setup.setting.baseline,
      seed: 1,
      replicates: 1
    )
    let rows = try replay.rows(log)
    #expect(rows.count == log.measured.count)
    let clears = rows.filter { $0.operation == "clear" }
    #expect(!clears.isEmpty && clears.allSatisfy { $0.predicted ?? 0 > 0 })
    #expect(rows.allSatisfy { ($0.predicted == nil) == ($0.reason != nil) })
  }

  @Test("two snapshots are what came between, over a counter that begins again")
  func snapshots() throws {
    func rows(_ packets: String, _ squeezes: String) throws -> Recording {
      let zeros = Array(repeating: "00000000", count: 8).joined(separator: " ")
      return try RecordingFile.read("\(packets) 00000000 \(squeezes) \(zeros)\n", named: packets)
    }
    let found = RecordingFile.gather([
      try rows("fffffff0", "00000001"), try rows("00000010", "00000004"),
    ])
    #expect(found.count == 1)
    #expect(found[0].counters?.map(\.counts) == [[32, 0, 3]])
    // Half of the counter back is another boot or another machine.
    let other = RecordingFile.gather([
      try rows("80000010", "00000001"), try rows("00000010", "00000004"),
    ])
    #expect(other.count == 2)
  }

  @Test(
    "numbers beyond every counter are read or refused, and end nothing",
    arguments: [
      #"{"fio version": "3", "jobs": [{"error": 1e308}]}"#,
      #"{"start": {"test_start": {"num_streams": 1e300}}, "intervals": [], "end": {"sum": {"bits_per_second": 1e9}}}"#,
      #"{"return": {"status": "completed", "total-time": 1, "ram": {"total": 1e300, "mbps": 1.0}}}"#,
      "  CPU0 CPU1\n 1: 9223372036854775807 9223372036854775807 eth0-rx\n",
      "  CPU0 CPU1\n NET_RX: 9223372036854775807 9223372036854775807\n",
      Array(repeating: "\u{FF21}\u{FF21}ab", count: 11).joined(separator: " ") + "\n",
      "guest physical test memory: [0x-8000000000000000, 0x7fffffffffffffff)\n",
      "Testing memory size(aligned): 0x-8000000000000000\n",
    ]
  )
  func beyond(_ text: String) {
    do throws(LogError) {
      let found = try RecordingFile.read(text, named: "beyond")
      #expect(!RecordingFile.gather([found, found]).isEmpty)
    } catch {
      #expect(error.description.contains("beyond"))
    }
  }

  @Test(
    "a run that failed, a clock that goes back, a cut file and other files are refused",
    arguments: [
      (#"{"start": {}, "intervals": [], "error": "unable to connect"}"#, "a run that failed"),
      (
        #"{"return": {"status": "failed", "total-time": 1, "ram": {"mbps": 1.0}}}"#,
        "a migration that failed"
      ),
      (#"{"return": {"status": "#, "JSON that does not end"),
      (#"{"a": 1, "b": 2}"#, "JSON with a, b"),
      ("<html></html>\n", "XML or HTML"),
      ("a,b,c\n1,2,3\n", "CSV with a, b, c"),
      ("", "nothing"),
      ("00000001 00000002 00000003\n", "text that begins"),
      (
        "00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
          + "00000001 00000000\n",
        "11 columns"
      ),
      ("OP,name,t0_mono_ns,t1_mono_ns,dur_ns\nOP,pop,10,5,-5\n", "times that ascend"),
      ("Inter-|   Receive\n face |\n eth0: 1 2\n", "16 counts"),
      (
        "cloud-hypervisor: 2.000000s: <vmm> INFO:a.rs:1 -- Dirty memory migration 0 of 5\n"
          + "cloud-hypervisor: 1.000000s: <vmm> INFO:a.rs:1 -- Migration complete\n",
        "not before that of the line above"
      ),
      (
        "cloud-hypervisor: 2.000000s: <vmm> INFO:a.rs:1 -- Dirty memory migration 1 of 5\n",
        "pass 0: one migration"
      ),
      (
        "cloud-hypervisor: 2.000000s: <vmm> ERRO:a.rs:1 -- Migration failed: MigrateSend(timeout)\n",
        "came to its end"
      ),
      (
        "cloud-hypervisor: 2.000000s: <vmm> INFO:a.rs:1 -- Booting VM\n",
        "without a migration"
      ),
      (
        "cloud-hypervisor: 2.0s: <vmm> DEBG:a.rs:1 -- Precopy: iter=0 curr=1parsec\n",
        "iter=, curr="
      ),
      ("[i:main] 'create full snapshot' VMM action took -5 us.\n", "a whole number of us"),
      ("{\"latencies_us\": {\"pause_vm\": 5}}\n{\"latencies\n", "one JSON object a line"),
    ]
  )
  func refused(_ text: String, _ reason: String) {
    do {
      let found = try RecordingFile.read(text, named: "record")
      Issue.record("read as \(found.kind)")
    } catch {
      #expect(error.description.contains(reason), "\(error.description)")
    }
  }

  @Test("mutated recordings are read or refused")
  func mutated() throws {
    var chance = Seed(3).stream("mutated")
    var texts: [[UInt8]] = []
    for folder in ["observed", "selftests", "ptdump", "net"] {
      let path = Self.captures.appending(path: folder).path
      for name in try FileManager.default.contentsOfDirectory(atPath: path)
      where !name.hasSuffix(".trace") {
        texts.append(
          Array(try Data(contentsOf: URL(filePath: path).appending(path: name)).prefix(2_000))
        )
      }
    }
    var read = 0
    for _ in 0..<4_000 {
      var bytes = texts[Int(chance.uniform(below: UInt64(texts.count)))]
      guard !bytes.isEmpty else { continue }
      for _ in 0..<3 {
        let place = Int(chance.uniform(below: UInt64(bytes.count)))
        switch chance.uniform(below: 3) {
        case 0: bytes[place] = UInt8(chance.uniform(below: 256))
        case 1: bytes.removeSubrange(place...)
        default: bytes.insert(contentsOf: Array("99999999999999999999".utf8), at: place)
        }
        if bytes.isEmpty { bytes = [10] }
      }
      if (try? RecordingFile.read(String(decoding: bytes, as: UTF8.self), named: "mutant")) != nil {
        read += 1
      }
    }
    #expect(read > 100)
  }

  // MARK: - Dumps

  private static func dump(_ name: String, _ granule: Granule) throws -> Stage2Dump {
    let file = captures.appending(path: "observed/\(name)")
    return try Stage2Dump(
      parsing: [UInt8](try Data(contentsOf: file)),
      file: name,
      granule: granule
    )
  }

  @Test("numbers before a dump are read, and held against what is asked")
  func headings() throws {
    let small = try Self.dump("host4k.stage2", .size4K)
    #expect(small.ipaBits == 44 && small.levels == 4)
    #expect(small.contradiction(ipaBits: 44) == nil && small.fittingBits == 44)
    #expect(try #require(small.contradiction(ipaBits: 40)).contains("44 IPA bits"))
    let large = try Self.dump("host16k.stage2", .size16K)
    #expect(large.levels == 2 && large.ipaBits == nil)
    #expect(large.contradiction(ipaBits: 36) == nil)
    #expect(try #require(large.contradiction(ipaBits: 48)).contains("2 levels"))
  }

  @Test("a larger page that every leaf fits is named, and a line of level 0 needs bits for it")
  func otherPages() throws {
    #expect(try Self.dump("host16k-bare.stage2", .size4K).largerGranule == .size16K)
    #expect(try Self.dump("host16k-bare.stage2", .size16K).largerGranule == nil)
    let file = Self.captures.appending(path: "ptdump/6.12.107_ipa48_high_64M.stage2_page_tables")
    let high = try Stage2Dump(parsing: [UInt8](try Data(contentsOf: file)), file: "high")
    #expect(try #require(high.contradiction(ipaBits: 40)).contains("level 0"))
    #expect(high.contradiction(ipaBits: 48) == nil && high.largerGranule == nil)
  }

  @Test(arguments: ["53\n", "44\n44\n", "1\n", "999\n"])
  func foreignNumbers(_ heading: String) throws {
    let bytes = Array((heading + "---[ Guest IPA ]---\n").utf8)
    #expect(throws: LogError.self) { try Stage2Dump(parsing: bytes, file: "dump") }
  }
}
