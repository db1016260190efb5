@echo off
rem Does what webui.sh does; webui-user.bat sets PYTHON, VENV_DIR, COMMANDLINE_ARGS and calls this file.
cd /d "%~dp0"
if not defined PYTHON set PYTHON=python
%PYTHON% -c "" >nul 2>nul
if errorlevel 1 (
    echo %PYTHON% does not run: install Python 3.10 or newer, or name it in webui-user.bat: set PYTHON=C:\path\to\python.exe
    pause
    exit /b 1
)
%PYTHON% -m modules.bootstrap %*
if errorlevel 1 pause
