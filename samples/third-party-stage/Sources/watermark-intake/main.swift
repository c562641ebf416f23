import IntakeCommand
import WatermarkStages

IntakeCommand.main(.builtin.adding(Watermark.self, Acme.self, CSVReport.self, SQLiteTable.self))
