// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// `s2tune report` as a user runs it.
@Suite struct ReportCommandTests {
  private static let quick = [
    "--workload", "container-churn", "--host", "graviton3", "--kernel", "6.1", "--set",
    "vm.memory=1GiB", "--cost-model", "none", "--budget", "20", "--fresh",
  ]

  /// A folder of the test's own.
  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test func onePageIsWrittenWholeAndSaysWhatRecommendSays() throws {
    try inFolder { folder in
      let file = folder.appending(path: "report.html")
      let result = try Tool.run(["report", "-o", file.path] + Self.quick)
      #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["report.html"])
      let html = try String(contentsOf: file, encoding: .utf8)
      #expect(html.utf8.count < 2_000_000)
      let page = XMLPage(html)
      #expect(page.isWellFormed && page.count("script") == 1)
      #expect(page.links.allSatisfy { $0.hasPrefix("#") }, "\(page.links)")
      let bare = html.replacing("xmlns=\"http://www.w3.org/1999/xhtml\"", with: "")
        .replacing("xmlns=\"http://www.w3.org/2000/svg\"", with: "")
      #expect(!bare.contains("http://") && !bare.contains("https://"))
      // The table that is read first, cell by cell.
      let told = try Tool.run(["recommend"] + Self.quick).output
      let lines = told.components(separatedBy: "\n").drop { !$0.hasPrefix("  ----") }.dropFirst()
        .prefix { !$0.isEmpty }
      #expect(lines.count >= 3)
      for line in lines {
        for cell in line.components(separatedBy: "  ") where !cell.isEmpty {
          let words = cell.drop { $0 == " " }
          #expect(page.text.contains(words), "'\(words)'")
        }
      }
      // Without leave it is not replaced, and nothing is run for it.
      let refused = try Tool.run(["report", "-o", file.path] + Self.quick)
      #expect(refused.status == 65 && refused.errors.contains("the file exists"))
      let again = try Tool.run(
        ["report", "-o", file.path, "--force", "--workers", "1"] + Self.quick
      )
      #expect(again.status == 0, "\(again.errors)")
      #expect(try String(contentsOf: file, encoding: .utf8) == html)
    }
  }

  @Test func theDataHoldTheSameRecommendation() throws {
    func object(_ arguments: [String]) throws -> [String: Any] {
      let result = try Tool.run(arguments + ["--format", "json"])
      #expect(result.status == 0, "\(result.errors)")
      let value = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
      return try #require(value as? [String: Any])
    }
    let report = try object(["report"] + Self.quick)
    let study = try #require(report["study"] as? [String: Any])
    let mine = try #require(study["recommendation"] as? NSDictionary)
    let other = try #require(
      try object(["recommend"] + Self.quick)["recommendation"] as? NSDictionary
    )
    #expect(mine == other)
    let runs = try #require((study["runs"] as? [String: Any])?["runs"] as? [[String: Any]])
    #expect(runs.map { $0["role"] as? String } == ["now", "recommended"])
    #expect(runs.allSatisfy { $0["timeline"] != nil })
    let digest = (mine["full_run"] as? [String: Any])?["digest"] as? String
    #expect(digest != nil && runs.contains { $0["digest"] as? String == digest })
  }

  /// A dump's name is a text like any other, in the page and in the command that it quotes.
  @Test func hostileNamesAreOnlyShown() throws {
    try inFolder { folder in
      let name = "<img src=x onerror='alert(1)'> & \"q\".dump"
      let dump = folder.appending(path: name)
      let own = packageRoot.appending(
        path: "models/facts/captures/ptdump/6.12.107_4k_64M.stage2_page_tables"
      )
      try FileManager.default.copyItem(at: own, to: dump)
      let result = try Tool.run(
        ["report", "--stage2-dump", dump.path] + Self.quick
      )
      #expect([0, 1].contains(result.status), "\(result.errors)")
      let page = XMLPage(result.output)
      #expect(page.isWellFormed && page.count("img") == 0 && !page.links.contains("handler"))
      #expect(page.text.contains("stage2-dump \(name)"))
      #expect(page.text.contains("'\\''alert(1)'\\''"))
    }
  }

  @Test(arguments: ["text", "markdown"])
  func otherFormsHoldTheSamePartsInTheSameOrder(format: String) throws {
    let result = try Tool.run(["report", "--format", format] + Self.quick)
    #expect(result.status == 0, "\(result.errors)")
    let titles = [
      "What to do", "Before and after", "What else there is", "The chunk over its sizes",
      "Where the time goes", "What decides", "What the simulator gets wrong here",
      "Where this comes from",
    ]
    let lines = result.output.split(separator: "\n").map { $0.drop { $0 == "#" || $0 == " " } }
    let places = titles.map { title in lines.firstIndex { $0 == title } ?? -1 }
    #expect(!places.contains(-1) && places == places.sorted(), "\(places)")
  }

  @Test func noPolicyIsStillAPage() throws {
    let result = try Tool.run(["report", "--slo", "teardown.time<=1us"] + Self.quick)
    #expect(result.status == 1 && XMLPage(result.output).isWellFormed, "\(result.errors)")
    #expect(result.output.contains("no policy that was simulated keeps the limits"))
  }
}
