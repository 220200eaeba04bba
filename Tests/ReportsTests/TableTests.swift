// SPDX-License-Identifier: GPL-3.0-or-later

import Reports
import TestSupport
import Testing

@Suite struct TableTests {
  private var table: TextTable {
    var table = TextTable(columns: [.init("policy"), .init("teardown_s", isNumber: true)])
    table.append(["chunk=2MiB,tlbi=per-leaf", "76.4"])
    table.append(["a \"quoted\" | text", "0.1"])
    return table
  }

  @Test func textIsAligned() {
    #expect(
      table.text() == """
        policy                    teardown_s
        ------------------------  ----------
        chunk=2MiB,tlbi=per-leaf        76.4
        a "quoted" | text                0.1

        """
    )
  }

  @Test func markdownEscapesBars() {
    #expect(
      table.markdown() == """
        | policy | teardown_s |
        | --- | ---: |
        | chunk=2MiB,tlbi=per-leaf | 76.4 |
        | a "quoted" \\| text | 0.1 |

        """
    )
  }

  @Test func csvQuotesWhatNeedsIt() {
    #expect(
      table.csv() == """
        policy,teardown_s
        "chunk=2MiB,tlbi=per-leaf",76.4
        "a ""quoted"" | text",0.1

        """
    )
  }

  @Test(arguments: [(0.0, "0 ns"), (999, "999 ns"), (1_500, "1.5 us"), (76.44e9, "76.4 s")])
  func timesHaveThreeDigits(nanoseconds: Double, text: String) {
    #expect(time(nanoseconds: nanoseconds) == text)
  }

  @Test(arguments: [(0.974, "97 %"), (1.0, "100 %"), (Double.nan, "-")])
  func sharesAreWholePercents(share: Double, text: String) {
    #expect(percent(share) == text)
  }
}
