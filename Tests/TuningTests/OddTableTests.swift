// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Tuning

/// Tables and stored answers with numbers that no run gives: a sentence, never the end of the program.
@Suite struct OddTableTests {
  private func table(_ number: String) throws -> Data {
    let file = packageRoot.appending(path: "Fuzz/corpus/seed.table.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    let place = try #require(text.firstRange(of: /"low" : [0-9.e+]+/))
    return Data(text.replacingCharacters(in: place, with: "\"low\" : \(number)").utf8)
  }

  @Test(arguments: ["\"nan\"", "\"inf\"", "1e308", "-1"])
  func oddEndsAreRefusedOrCompared(number: String) throws {
    let whole = try TuningTable(json: try table("0"), file: "whole")
    let data = try table(number)
    var refusal: String?
    do throws(TuningError) {
      let odd = try TuningTable(json: data, file: "odd")
      _ = whole.changes(to: odd) + odd.changes(to: whole)
    } catch {
      refusal = error.description
    }
    // Only what lies below the mean is an interval's lower end.
    #expect((refusal == nil) == (number == "-1"), "\(refusal ?? "taken")")
    #expect(refusal?.contains("odd, entry graviton3/6.1/") ?? true)
  }
}
