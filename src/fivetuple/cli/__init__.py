"""The front door: argv -> command -> origin -> answer -> exit status."""
