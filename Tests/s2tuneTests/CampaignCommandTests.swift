// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

/// Campaigns from the command line: killed, starved of disk, shared, and always the same bytes in the end.
@Suite struct CampaignCommandTests {
  static let place = ["--hosts", "graviton3", "--kernels", "6.1"]
  static let draw = ["--name", "small", "--workloads", "live-migration", "--runs", "12"] + place

  /// A directory that is removed when the test ends.
  static func withFolder<Result>(_ body: (_ path: (String) -> String) throws -> Result) throws
    -> Result
  {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body { folder.appendingPathComponent($0).path }
  }

  /// Runs `s2tune campaign` with these words on a store.
  static func campaign(_ words: [String], _ store: String) throws -> Tool.Result {
    try Tool.run(["campaign"] + words + ["--store", store])
  }

  /// The first campaign of a status as JSON.
  static func status(_ store: String, _ words: [String] = []) throws -> [String: Any] {
    let result = try campaign(["status", "--format", "json"] + words, store)
    let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    return try #require(document as? [String: Any], "\(result.errors)")
  }

  static func first(_ status: [String: Any]) throws -> [String: Any] {
    try #require((status["campaigns"] as? [[String: Any]])?.first)
  }

  /// The export of a campaign, whose bytes say whether two are the same.
  static func export(_ name: String, _ store: String) throws -> String {
    let result = try campaign(["export", name, "--to", "jsonl"], store)
    #expect(result.status == 0, "\(result.errors)")
    return result.output
  }

  @Test("A campaign killed at any of 20 moments goes on to the bytes of an undisturbed one")
  func killed() throws {
    try Self.withFolder { path in
      let whole = try Self.campaign(["run"] + Self.draw, path("whole"))
      #expect(whole.status == 0, "\(whole.errors)")
      let expected = try Self.export("small", path("whole"))
      #expect(expected.split(separator: "\n").count == 13)
      var generator = SystemRandomNumberGenerator()
      for round in 0..<20 {
        let store = path("killed-\(round)")
        let process = try Tool.start(["campaign", "run"] + Self.draw + ["--store", store])
        Thread.sleep(forTimeInterval: Double.random(in: 0..<0.7, using: &generator))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let again = try Self.campaign(["run"] + Self.draw, store)
        #expect(again.status == 0, "round \(round): \(again.errors)")
        #expect(try Self.export("small", store) == expected, "round \(round)")
      }
    }
  }

  @Test("Workers, two processes, lines of JSON and a merge give the same bytes")
  func sameBytes() throws {
    try Self.withFolder { path in
      _ = try Self.campaign(["run", "--workers", "1"] + Self.draw, path("one"))
      let expected = try Self.export("small", path("one"))
      _ = try Self.campaign(["run", "--workers", "7"] + Self.draw, path("seven"))
      #expect(try Self.export("small", path("seven")) == expected)
      let both = try (0..<2).map { _ in
        try Tool.start(["campaign", "run"] + Self.draw + ["--store", path("two")])
      }
      for process in both {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
      }
      #expect(try Self.export("small", path("two")) == expected)
      try Data(expected.utf8).write(to: URL(filePath: path("runs.jsonl")))
      let read = try Self.campaign(["import", path("runs.jsonl")], path("read"))
      #expect(read.status == 0, "\(read.errors)")
      #expect(try Self.export("small", path("read")) == expected)
      #expect(try Self.campaign(["merge", path("read")], path("merged")).status == 0)
      #expect(try Self.export("small", path("merged")) == expected)
      let table = try Self.campaign(["export", "small"], path("merged")).output.split(
        separator: "\n"
      )
      #expect(table.count == 13 && table[0].hasPrefix("host,kernel,workload,policy,run"))
    }
  }

  @Test(
    "A worker that is brought down is noted and the campaign goes on; a run that does it alone is recorded"
  )
  func crashes() throws {
    try Self.withFolder { path in
      let words =
        [
          "run", "--name", "long", "--whole", "--workloads", "container-churn", "--policy",
          "chunk=256KiB",
          "--replicates", "2", "--workers", "1",
        ] + Self.place
      let process = try Tool.start(["campaign"] + words + ["--store", path("store")])
      var killed: Set<Int> = []
      let end = Date().addingTimeInterval(120)
      while process.isRunning, killed.count < 2, Date() < end {
        Thread.sleep(forTimeInterval: 0.05)
        guard let status = try? Self.status(path("store")),
          let worker = (status["workers"] as? [[String: Any]])?.first,
          let pid = worker["pid"] as? Int, let making = worker["making_count"] as? Int,
          making > 0, !killed.contains(pid)
        else { continue }
        kill(pid_t(pid), SIGSEGV)
        killed.insert(pid)
      }
      process.waitUntilExit()
      #expect(killed.count == 2)
      #expect(process.terminationStatus == 1)
      let status = try Self.status(path("store"))
      let one = try Self.first(status)
      #expect(one["done_count"] as? Int == 1 && one["crashed_count"] as? Int == 1)
      let failure = try #require((status["failures"] as? [[String: Any]])?.first)
      #expect((failure["reason"] as? String)?.hasSuffix("by signal 11") == true)
      let again = try Self.campaign(["resume", "long", "--retry"], path("store"))
      #expect(again.status == 0, "\(again.errors)")
      #expect(try Self.first(Self.status(path("store")))["done_count"] as? Int == 2)
    }
  }

  @Test("A full disk is a sentence; what was kept stays, and the campaign goes on")
  func fullDisk() throws {
    try Self.withFolder { path in
      _ = try Self.campaign(["run"] + Self.draw, path("whole"))
      let expected = try Self.export("small", path("whole"))
      let program = try #require(Tool.program?.path)
      var refused = 0
      for kilobytes in stride(from: 8, through: 160, by: 24) {
        let store = path("full-\(kilobytes)")
        let words = (["campaign", "run"] + Self.draw + ["--store", store]).joined(separator: " ")
        // The shell counts in units of 1024 bytes.
        let script = "trap '' XFSZ; ulimit -f \(kilobytes); exec \(program) \(words)"
        let result = try Tool.run(["-c", script], program: URL(filePath: "/bin/bash"))
        if result.status != 0 {
          refused += 1
          #expect([65, 74].contains(result.status), "\(kilobytes): \(result.errors)")
          #expect(result.errors.split(separator: "\n").count == 1, "\(kilobytes): \(result.errors)")
          #expect(result.errors.contains(store), "\(kilobytes): \(result.errors)")
        }
        let again = try Self.campaign(["run"] + Self.draw, store)
        #expect(again.status == 0, "\(kilobytes): \(again.errors)")
        #expect(try Self.export("small", store) == expected)
      }
      #expect(refused > 3)
    }
  }

  @Test("Whole runs that meet their limit are refused with what they are made of; others are made")
  func limited() throws {
    try Self.withFolder { path in
      let words =
        [
          "run", "--name", "limited", "--whole", "--workloads", "ci-microvm", "--policy",
          "chunk=4KiB",
          "--policy", "chunk=1GiB", "--max-events", "500000",
        ] + Self.place
      let result = try Self.campaign(words, path("store"))
      #expect(result.status == 1, "\(result.errors)")
      let one = try Self.first(Self.status(path("store")))
      #expect(one["refused_count"] as? Int == 1 && one["done_count"] as? Int == 1)
      #expect(result.output.contains("it takes more than 500000 events"))
    }
  }

  @Test(
    "A run is repeated and is the stored one; replicates are added; what is not there is refused"
  )
  func showAndReplicates() throws {
    try Self.withFolder { path in
      let store = path("store")
      _ = try Self.campaign(["run"] + Self.draw, store)
      let shown = try Self.campaign(["show", "small", "3", "--trace", path("trace.json")], store)
      #expect(
        shown.status == 0 && shown.errors.contains("the run is the one in the store"),
        "\(shown.errors)"
      )
      #expect(FileManager.default.fileExists(atPath: path("trace.json")))
      let more = try Self.campaign(["add-replicates", "small"], store)
      #expect(more.status == 0, "\(more.errors)")
      #expect(try Self.first(Self.status(store))["done_count"] as? Int == 24)
      #expect(try Self.campaign(["show", "small", "24"], store).status == 64)
      #expect(try Self.campaign(["resume", "other"], store).status == 64)
      #expect(try Self.campaign(["status"], path("none")).status == 65)
      let foreign = try Self.campaign(["run", "--seed", "2"] + Self.draw, store)
      #expect(foreign.status == 65 && foreign.errors.contains("has seed 1"), "\(foreign.errors)")
      #expect(try Self.campaign(["gc", "--drop", "small"], store).status == 0)
      #expect(try Self.status(store)["campaigns"] as? [String] == [])
    }
  }

  @Test("Other commands find in a store what was run before, and answer the same")
  func sharedWithOthers() throws {
    try Self.withFolder { path in
      let words = [
        "what-if", "--exact", "--workload", "ci-microvm", "--host", "graviton3", "--policy",
        "chunk=2MiB",
      ]
      let plain = try Tool.run(words)
      let first = try Tool.run(words + ["--store", path("store")])
      let second = try Tool.run(words, environment: ["S2TUNE_STORE": path("store")])
      #expect(plain.status == 0 && first.output == plain.output && second.output == plain.output)
      // What the second found is what the first kept: a damaged report is noticed.
      let script = "sqlite3 \(path("store")) \"UPDATE report SET json = '{}'\""
      guard FileManager.default.fileExists(atPath: "/usr/bin/sqlite3") else { return }
      _ = try Tool.run(["-c", script], program: URL(filePath: "/bin/bash"))
      let damaged = try Tool.run(words + ["--store", path("store")])
      #expect(damaged.status == 65 && damaged.errors.contains("is damaged"), "\(damaged.errors)")
    }
  }

  @Test("Chunks made by hand-set indices of any scheduler gather to the bytes of a local campaign")
  func chunks() throws {
    try Self.withFolder { path in
      _ = try Self.campaign(["run"] + Self.draw, path("local"))
      let expected = try Self.export("small", path("local"))
      let words = ["chunks", "--folder", path("shared"), "--chunk-runs", "5"] + Self.draw
      #expect(try Self.campaign(words, path("store")).status == 0)
      let names = ["SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"]
      for (index, name) in names.enumerated() {
        let made = try Tool.run(
          ["campaign", "chunk", path("shared"), "--workers", "2"],
          environment: [name: "\(index)"]
        )
        #expect(made.status == 0, "\(made.errors)")
      }
      #expect(try Tool.run(["campaign", "chunk", path("shared"), "--index", "3"]).status == 65)
      #expect(try Tool.run(["campaign", "chunk", path("shared")]).status == 64)
      let gathered = try Self.campaign(["gather", "small", path("shared")], path("store"))
      #expect(gathered.status == 0, "\(gathered.errors)")
      #expect(try Self.export("small", path("store")) == expected)
    }
  }

  @Test("Kernels and campaigns are compared run by run")
  func compare() throws {
    try Self.withFolder { path in
      let store = path("store")
      let grid =
        [
          "run", "--name", "grid", "--workloads", "ci-microvm", "--hosts", "graviton3", "--kernels",
          "6.1,6.12", "--policy", "baseline", "--policy", "chunk=2MiB", "--replicates", "2",
        ]
      #expect(try Self.campaign(grid, store).status == 0)
      let kernels = try Self.campaign(["compare", "grid", "--by", "kernel"], store)
      #expect(
        kernels.status == 0 && kernels.output.contains("each held against 6.1"),
        "\(kernels.errors)"
      )
      let policies = try Self.campaign(
        ["compare", "grid", "--by", "policy", "--format", "json", "--only", "longest_hold_ns"],
        store
      )
      let document =
        try JSONSerialization.jsonObject(with: Data(policies.output.utf8)) as? [String: Any]
      #expect(document?["sides"] as? [String] == ["baseline", "chunk=2MiB"])
      #expect(try Self.campaign(["compare", "grid"], store).status == 64)
      #expect(try Self.campaign(["compare", "grid", "--by", "host"], store).status == 64)
      let same = try Self.campaign(["compare", "grid", "grid"], store)
      #expect(same.status == 0 && same.output.contains("No change is clear"))
    }
  }
}
