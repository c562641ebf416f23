import IntakeCommand

IntakeCommand.main(.builtin)
