import IntakeCommand
import WatermarkStages

IntakeCommand.main(
  .builtin.adding(Watermark.self, Acme.self).adding(recorder: CSVReport.self, SQLiteTable.self))
