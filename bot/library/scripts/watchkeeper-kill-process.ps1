# Watchkeeper: ends the processes of one image name, or with -ProcessId only that one. It cannot be undone.
# Without -Apply it only looks. Prints one line of JSON. Texts come as base64url of UTF-8: nothing needs quotes.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][ValidatePattern('^[A-Za-z0-9_-]{2,400}$')][string]$Name,
    [ValidateRange(5, 2147483647)][int]$ProcessId = 2147483647,
    [switch]$Apply
)
$ErrorActionPreference = 'Stop'
$answer = [ordered]@{ script = 'kill-process'; version = '1'; applied = [bool]$Apply; target = ''
    before = @{}; after = @{}; changed = $false; undo = ''; error = '' }
$most = 50
$core = '^(system|idle|registry|secure system|memory compression|csrss|lsass|lsaiso|wininit|winlogon|services|smss|svchost|' +
    'fontdrvhost|dwm|wmiprvse|trustedinstaller|msmpeng|mpdefendercoreservice|nissrv|mssense|' +
    'sense\w*|securityhealthservice)(\.exe)?$'

function ConvertFrom-Coded([string]$Text) {
    $plain = $Text.Replace('-', '+').Replace('_', '/')
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($plain + '=' * ((4 - $plain.Length % 4) % 4)))
}
function Find-Process([string]$Image) {
    # CIM names the image with its ending, Get-Process without: this compares what the caller wrote, ending and all.
    Get-CimInstance -ClassName Win32_Process | Where-Object {
        $_.Name -eq $Image -and ($ProcessId -eq 2147483647 -or $_.ProcessId -eq $ProcessId)
    }
}
function Get-State($Found) {
    $ids = @($Found | ForEach-Object { [string]$_.ProcessId })
    $paths = @($Found | ForEach-Object { $_.ExecutablePath } | Sort-Object -Unique | Select-Object -First 3)
    [ordered]@{ running = [string]$ids.Count; ids = ($ids | Select-Object -First 10) -join ' '; paths = $paths -join '; ' }
}
$exit = 0
try {
    $answer.target = $image = ConvertFrom-Coded $Name
    if ($image -notmatch '^[^\\/:*?"<>|\x00-\x1f]{1,120}$') { throw 'This is not the name of a program file' }
    if ($image -match $core) { throw 'This process belongs to Windows or Defender and is never touched' }
    $found = @(Find-Process $image)
    $answer.before = Get-State $found
    if ($found.Count -eq 0) { throw 'No such process runs' }
    if ($found.Count -gt $most) { throw "More than $most such processes run: name one by its id" }
    if ($found.ProcessId -contains $PID) { throw 'This script does not end itself' }
    $answer.after = [ordered]@{ running = '0' }
    if ($Apply) {
        foreach ($one in $found) {
            # The start time is compared, because Windows gives an id that became free to another process.
            $now = Get-CimInstance -ClassName Win32_Process -Filter "ProcessId = $($one.ProcessId)"
            if ($now -and $now.CreationDate -eq $one.CreationDate) { Stop-Process -Id $one.ProcessId -Force }
        }
        Start-Sleep -Seconds 2
        $answer.after = Get-State @(Find-Process $image)
        $answer.changed = [int]$answer.after.running -lt $found.Count
        if ([int]$answer.after.running -gt 0) { throw 'Such processes still run, or were started again' }
    }
} catch { $answer.error = [string]$_.Exception.Message; $exit = 1 }
$json = $answer | ConvertTo-Json -Compress -Depth 4
[regex]::Replace($json, '[^\x20-\x7e]', { param($one) '\u{0:x4}' -f [int][char]$one.Value })
exit $exit
