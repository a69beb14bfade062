# Watchkeeper: removes one scheduled task after keeping it as XML; with -Undo it is registered again.
# Without -Apply it only looks. Prints one line of JSON. Texts come as base64url of UTF-8: nothing needs quotes.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][ValidatePattern('^[A-Za-z0-9_-]{2,1400}$')][string]$Task,
    [switch]$Undo,
    [switch]$Apply
)
$ErrorActionPreference = 'Stop'
$answer = [ordered]@{ script = 'remove-task'; version = '1'; applied = [bool]$Apply; target = ''
    before = @{}; after = @{}; changed = $false; undo = ''; error = '' }
$store = Join-Path $env:ProgramData 'Watchkeeper\Tasks'
$core = '^\\Microsoft\\Windows\\(Windows Defender|ExploitGuard|BitLocker|UpdateOrchestrator|WindowsUpdate|WaaSMedic|Servicing|' +
    'SystemRestore|Time Synchronization|CertificateServicesClient|TPM|Device Guard|AppID|EnterpriseMgmt\w*|' +
    'Workplace Join|Registry|TaskScheduler|Windows Filtering Platform)\\|^\\Microsoft\\Windows\\[^\\]*Sense'

function ConvertFrom-Coded([string]$Text) {
    $plain = $Text.Replace('-', '+').Replace('_', '/')
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($plain + '=' * ((4 - $plain.Length % 4) % 4)))
}
function Get-Task([string]$Path) {
    $folder = $Path.Substring(0, $Path.LastIndexOf('\') + 1)
    Get-ScheduledTask | Where-Object { $_.TaskPath -eq $folder -and ($_.TaskPath + $_.TaskName) -eq $Path }
}
function Get-State($Found) {
    if (-not $Found) { return [ordered]@{ exists = 'no' } }
    $runs = @($Found.Actions | ForEach-Object { "$($_.Execute) $($_.Arguments)".Trim() })
    $text = $runs -join '; '
    [ordered]@{ exists = 'yes'; state = [string]$Found.State; account = [string]$Found.Principal.UserId
        runs = $text.Substring(0, [Math]::Min(200, $text.Length)) }
}
$exit = 0
try {
    $answer.target = $path = ConvertFrom-Coded $Task
    if ($path -notmatch '^(\\[^\\/:*?"<>|\x00-\x1f]{1,200}){1,10}$') { throw 'This is not the full path of a task' }
    if ($path -match $core) { throw 'This task belongs to Windows or Defender and is never touched' }
    $found = Get-Task $path
    $answer.before = Get-State $found
    if ($Undo) {
        $answer.undo = 'remove-task'
        if ($found) { throw 'There is a task of that name again: it is not overwritten' }
        $kept = Get-ChildItem -LiteralPath $store -Filter '*.xml' -ErrorAction SilentlyContinue | Sort-Object LastWriteTimeUtc |
            ForEach-Object { Import-Clixml $_.FullName } | Where-Object { $_.Path -eq $path } | Select-Object -Last 1
        if (-not $kept) { throw 'Nothing was removed from there' }
        $answer.after = [ordered]@{ exists = 'yes' }
        if ($Apply) {
            $at = $path.LastIndexOf('\')
            Register-ScheduledTask -TaskPath $path.Substring(0, $at + 1) -TaskName $path.Substring($at + 1) -Xml $kept.Xml | Out-Null
        }
    } else {
        if (-not $found) { throw 'There is no such task' }
        # A task that runs with a stored password comes back without it, so it is not offered as undone.
        $answer.undo = if ($found.Principal.LogonType -eq 'Password') { '' } else { 'restore-task' }
        $answer.after = [ordered]@{ exists = 'no' }
        if ($Apply) {
            New-Item -ItemType Directory -Path $store -Force | Out-Null
            & icacls.exe $store /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
            $xml = Export-ScheduledTask -TaskName $found.TaskName -TaskPath $found.TaskPath
            [pscustomobject]@{ Path = $path; Xml = $xml } |
                Export-Clixml -LiteralPath (Join-Path $store ([guid]::NewGuid().ToString('N') + '.xml'))
            if ($found.State -eq 'Running') { Stop-ScheduledTask -TaskName $found.TaskName -TaskPath $found.TaskPath }
            Unregister-ScheduledTask -TaskName $found.TaskName -TaskPath $found.TaskPath -Confirm:$false
        }
    }
    if ($Apply) { $answer.after = Get-State (Get-Task $path); $answer.changed = $answer.after.exists -ne $answer.before.exists }
} catch { $answer.error = [string]$_.Exception.Message; $exit = 1 }
$json = $answer | ConvertTo-Json -Compress -Depth 4
[regex]::Replace($json, '[^\x20-\x7e]', { param($one) '\u{0:x4}' -f [int][char]$one.Value })
exit $exit
