// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Quantities
import Testing

@Suite struct PolicyTextTests {
  static let texts = [
    "chunk=root-entry,tlbi=per-leaf",
    "chunk=2MiB,tlbi=deferred",
    "chunk=smallest-block,tlbi=if-cleared",
    "chunk=mapping-aware:2MiB,tlbi=if-cleared-span",
    "chunk=visits:512,tlbi=vmid:0",
    "chunk=largest-block,tlbi=none,controller=time:500us/64",
    "chunk=1GiB,tlbi=per-leaf,controller=feedback:64KiB/4,breaks=no",
    "chunk=largest-block,tlbi=per-leaf,split=2MiB,clear=256MiB",
    "chunk=largest-block,tlbi=per-leaf,path=madvise-slices,slice=4MiB,pause=100us",
    "chunk=largest-block,tlbi=per-leaf,irq=moved,napi=threaded",
  ]

  @Test(arguments: texts)
  func printsWhatItRead(text: String) throws {
    #expect(try Policy(parsing: text).description == text)
  }

  @Test func keysLeftOutKeepTheBase() throws {
    var base = Policy(chunk: .rootEntry, flush: .deferredRange)
    base.slice = .mebibytes(4)
    let policy = try Policy(parsing: "chunk=2MiB", over: base)
    #expect(policy.chunk == .fixed(.mebibytes(2)))
    #expect(policy.flush == .deferredRange)
    #expect(policy.slice == .mebibytes(4))
  }

  @Test func spacesAroundPartsDoNotMatter() throws {
    let policy = try Policy(parsing: " chunk = 2MiB , tlbi = per-leaf ")
    #expect(policy == Policy(chunk: .fixed(.mebibytes(2)), flush: .perLeaf))
  }

  @Test(arguments: [
    ("", "key=value"),
    ("chunk", "key=value"),
    ("chunk=2MiB,", "key=value"),
    ("size=2MiB", "legal keys are chunk, tlbi"),
    ("chunk=2MiB,chunk=4MiB", "given twice"),
    ("chunk=2Mb", "chunk=2Mb"),
    ("chunk=", "root-entry"),
    ("chunk=0B", "largest-block"),
    ("chunk=2KiB", "power of two, 4KiB to 4096TiB"),
    ("chunk=8192TiB", "4KiB to 4096TiB"),
    ("chunk=visits:0", "visits 1 to 1099511627776"),
    ("controller=time:99ns/64", "budget/stride: 100ns to 100s, 1 to 1048576"),
    ("controller=time:1us/1048577", "1 to 1048576"),
    ("controller=feedback:3KiB/1", "power of two"),
    ("controller=feedback:64KiB/0", "1 to 1000000"),
    ("slice=1000B", "4KiB to 4096TiB"),
    ("pause=3601s", "0ns to 3600s"),
    ("tlbi=vmid:1099511627777", "0 to 1099511627776 leaves"),
    ("chunk=visits:-1", "visits:512"),
    ("chunk=visits:99999999999999999999", "visits:512"),
    ("tlbi=vmid", "vmid:512"),
    ("controller=time:500us", "budget/stride"),
    ("controller=feedback:64KiB/x", "floor/patience"),
    ("breaks=maybe", "yes or no"),
    ("path=exit", "process-exit, memslot-delete"),
    ("pause=100", "yield or a time"),
  ])
  func namesKeyValueAndWhatIsLegal(text: String, part: String) {
    let error = #expect(throws: PolicyError.self) { try Policy(parsing: text) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test func changesNameTheKnobAndItsClass() throws {
    let now = Policy.stock
    let next = try Policy(parsing: "chunk=2MiB,path=madvise-slices,slice=4MiB", over: now)
    let changes = next.changes(from: now)
    #expect(changes.map(\.key) == [.chunk, .path, .slice])
    #expect(changes.map(\.key.knobClass) == [.kernel, .today, .today])
    #expect(changes.map(\.from) == ["largest-block", "the workload's", "none"])
    #expect(changes.map(\.to) == ["2MiB", "madvise-slices", "4MiB"])
  }
}
